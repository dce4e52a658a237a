# cmake -DROOT=<project> -P CheckIncludes.cmake: which header may include which. Names every line that breaks a rule.
#   * A room sees itself and rooms of a lower rank, never a neighbour of its own rank.
#   * ops and autograd do not see each other: an op knows no tape.
#   * model/config.hpp is a room of its own at the rank of masks: plain structs that layers are built from.
#   * Back ends see core and mask. onednn also sees cpu. Only the umbrellas (nvembed.hpp, training.hpp, embed/instances.hpp) see back ends.
#   * Other libraries stand behind one header each. x86 intrinsics stand in backends/cpu.
#   * Includes are written <nvembed/...>; `.inl` and `.tpp` are included by their own `.hpp` (or another `.tpp`) alone, `.inc` by
#     files of their own folder.
#   * A header begins with #pragma once. <iostream> and <regex> are in none: every user would compile them.
cmake_minimum_required(VERSION 3.25)

set(rank_core 0)
set(rank_version 0)
set(rank_config 1)
set(rank_text 1)
set(rank_mask 1)
set(rank_autograd 1)
set(rank_batch 2)
set(rank_ops 2)
set(rank_nn 3)
set(rank_model 4)
set(rank_pool 4)
set(rank_loss 4)
set(rank_io 5)
set(rank_optim 6)
set(rank_embed 6)
set(rank_report 6)
set(rank_search 7)
set(rank_train 8)
set(rank_eval 8)
set(rank_umbrella 9)
set(back_ends eigen cpu onednn cuda)

set(standard algorithm any array atomic barrier bit bitset cassert cerrno cctype cfenv cfloat charconv chrono cinttypes
    climits cmath compare complex concepts condition_variable coroutine csignal cstdarg cstddef cstdint cstdio cstdlib
    cstring ctime cwchar deque exception filesystem forward_list fstream functional future initializer_list iomanip ios
    iosfwd istream iterator latch limits list locale map memory memory_resource mutex new numbers numeric optional ostream
    queue random ranges ratio scoped_allocator semaphore set shared_mutex source_location span sstream stack stdexcept
    stop_token streambuf string string_view system_error thread tuple type_traits typeindex typeinfo unordered_map
    unordered_set utility valarray variant vector version)
set(posix "^(sys/[a-z]+|fcntl|dlfcn|unistd|sched|pthread|dirent|signal|time)\\.h$")

# Where a library may be included: pattern of the header, pattern of the file (from include/nvembed or the back end's).
set(libraries
    "^nlohmann/"                            "^io/json\\."
    "^utf8proc\\.h$"                        "^text/unicode\\."
    "^sentencepiece"                        "^text/sentencepiece\\."
    "^Eigen/"                               "^eigen/"
    "^(immintrin|x86intrin|cpuid)\\.h$"     "^cpu/"
    "^(oneapi/dnnl/|dnnl)"                  "^onednn/"
    "^omp\\.h$"                             "^onednn/"
    "^(cuda_|cublasLt|library_types)[a-z0-9_]*\\.h$" "^cuda/"
    "^cudnn(_frontend)?\\.h$"               "^cuda/cudnn_")

set(problems 0)
function(problem file line text)
  message("${file}: #include ${line}: ${text}")
  math(EXPR problems "${problems} + 1")
  set(problems ${problems} PARENT_SCOPE)
endfunction()

# room_of(out, path under nvembed/)
function(room_of out path)
  if(path STREQUAL "nvembed.hpp" OR path STREQUAL "training.hpp" OR path STREQUAL "embed/instances.hpp")
    set(room umbrella)
  elseif(path STREQUAL "model/config.hpp")
    set(room config)
  elseif(path STREQUAL "version.hpp")
    set(room version)
  else()
    string(REGEX MATCH "^[^/]+" room ${path})
  endif()
  set(${out} ${room} PARENT_SCOPE)
endfunction()

function(check_own_header from to)
  room_of(a ${from})
  room_of(b ${to})
  set(why "")
  if(to MATCHES "\\.(inl|tpp|inc)$")
    string(REGEX REPLACE "\\.[^/]*$" "" from_stem ${from})
    string(REGEX REPLACE "\\.[^/]*$" "" to_stem ${to})
    get_filename_component(from_dir ${from} DIRECTORY)
    get_filename_component(to_dir ${to} DIRECTORY)
    if(to MATCHES "\\.inc$" AND NOT from_dir STREQUAL to_dir)
      set(why "only files beside it include this")
    elseif(NOT to MATCHES "\\.inc$" AND NOT from_stem STREQUAL to_stem)
      set(why "only ${to_stem}.hpp includes this")
    endif()
  endif()
  if(a IN_LIST back_ends)
    if(NOT (b STREQUAL a OR b STREQUAL "core" OR b STREQUAL "mask" OR (a STREQUAL "onednn" AND b STREQUAL "cpu")))
      set(why "back ends see core and mask only")
    endif()
  elseif(b IN_LIST back_ends)
    if(NOT a STREQUAL "umbrella")
      set(why "${a} must not know a back end")
    endif()
  elseif(NOT DEFINED rank_${a} OR NOT DEFINED rank_${b})
    set(why "no rank is set for ${a} or ${b}")
  elseif((a STREQUAL "ops" AND b STREQUAL "autograd") OR (a STREQUAL "autograd" AND b STREQUAL "ops"))
    set(why "ops and autograd must not see each other")
  elseif(NOT a STREQUAL b AND rank_${b} GREATER_EQUAL rank_${a})
    set(why "${a} must not see ${b}")
  endif()
  set(why "${why}" PARENT_SCOPE)
endfunction()

function(check_other_header from header)
  set(why "")
  if(header STREQUAL "iostream" OR header STREQUAL "regex")
    set(why "too slow to compile for a header")
  elseif(NOT header IN_LIST standard AND NOT header MATCHES "${posix}")
    set(why "not a header that ${from} may see")
    set(rest ${libraries})
    while(rest)
      list(POP_FRONT rest library place)
      if(header MATCHES "${library}" AND from MATCHES "${place}")
        set(why "")
      endif()
    endwhile()
  endif()
  set(why "${why}" PARENT_SCOPE)
endfunction()

file(GLOB roots ${ROOT}/include ${ROOT}/backends/*/include)
set(count 0)
foreach(root IN LISTS roots)
  file(GLOB_RECURSE files RELATIVE ${root}/nvembed ${root}/nvembed/*.hpp ${root}/nvembed/*.inl ${root}/nvembed/*.tpp
       ${root}/nvembed/*.inc ${root}/nvembed/*.cuh)
  foreach(from IN LISTS files)
    math(EXPR count "${count} + 1")
    file(STRINGS ${root}/nvembed/${from} lines REGEX "^[ \t]*#[ \t]*(include|pragma once)")
    list(FIND lines "#pragma once" once)
    if(from MATCHES "\\.(hpp|inl|tpp|cuh)$" AND NOT once EQUAL 0)
      problem(${from} "-" "the file does not begin with #pragma once")
    endif()
    foreach(line IN LISTS lines)
      if(line MATCHES "include[ \t]*<nvembed/([^>]+)>")
        check_own_header(${from} ${CMAKE_MATCH_1})
      elseif(line MATCHES "include[ \t]*<([^>]+)>")
        check_other_header(${from} ${CMAKE_MATCH_1})
      elseif(line MATCHES "include")
        set(why "write <nvembed/...>")
      else()
        continue()
      endif()
      if(why)
        string(REGEX REPLACE "^[ \t]*#[ \t]*include[ \t]*" "" what "${line}")
        problem(${from} "${what}" "${why}")
      endif()
    endforeach()
  endforeach()
endforeach()
if(count EQUAL 0)
  message(FATAL_ERROR "no header found under ${ROOT}")
elseif(problems GREATER 0)
  message(FATAL_ERROR "${problems} includes break the rules")
endif()
message(STATUS "${count} files keep the include rules")
