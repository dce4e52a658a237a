# A component is a folder of headers in two forms: nvembed::NAME, header-only, and nvembed::NAME_compiled, a library made of
# the same files. What is compiled are the `.inl` files, eight to a translation unit, and the SOURCES, which hold explicit
# instantiations. See include/nvembed/core/config.hpp for what goes into which file.

# nvembed_export(TARGET NAME COMPONENT c): users call it nvembed::NAME; it is installed with component c.
function(nvembed_export target name)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "COMPONENT" "")
  if(NOT TARGET nvembed::${name})
    add_library(nvembed::${name} ALIAS ${target})
  endif()
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  set_property(GLOBAL APPEND PROPERTY NVEMBED_COMPONENTS ${arg_COMPONENT})
  if(NVEMBED_INSTALL)
    install(TARGETS ${target} EXPORT nvembed-${arg_COMPONENT} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
            COMPONENT nvembed_dev)
  endif()
endfunction()

# A program takes all of the library header-only or all of it compiled; CMake refuses a mixture.
function(nvembed_form target form)
  set_target_properties(${target} PROPERTIES INTERFACE_NVEMBED_FORM ${form} COMPATIBLE_INTERFACE_STRING NVEMBED_FORM)
endfunction()

# nvembed_component(NAME [TARGET t] DIR dir [DIRS more...] [MACRO M] [NO_TWIN] [USES components...] [DEPENDS libs...]
#                   [HEADER_ONLY libs...] [SOURCES files...])
#   TARGET       name of the target; nvembed_NAME if left out
#   DIRS         further folders whose .inl files go into the compiled form
#   MACRO        defines NVEMBED_WITH_<M> for users of either form and NVEMBED_<M>_COMPILED for those of the compiled one
#   USES         other components, linked in the same form
#   DEPENDS      libraries that users of both forms need
#   HEADER_ONLY  libraries whose headers the compiled form hides
function(nvembed_component name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "NO_TWIN" "TARGET;DIR;MACRO" "DIRS;USES;DEPENDS;HEADER_ONLY;SOURCES")
  set(target nvembed_${name})
  if(arg_TARGET)
    set(target ${arg_TARGET})
  endif()
  string(REGEX REPLACE "^nvembed_" "" public_name ${target})
  file(REAL_PATH ${arg_DIR} dir BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  set(includes $<BUILD_INTERFACE:${dir}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

  add_library(${target} INTERFACE)
  target_compile_features(${target} INTERFACE cxx_std_20)
  target_include_directories(${target} INTERFACE ${includes})
  target_link_libraries(${target} INTERFACE ${arg_USES} ${arg_DEPENDS} ${arg_HEADER_ONLY})
  if(arg_MACRO)
    target_compile_definitions(${target} INTERFACE NVEMBED_WITH_${arg_MACRO})
  endif()
  nvembed_form(${target} header_only)
  nvembed_export(${target} ${public_name} COMPONENT ${name})
  if(NVEMBED_INSTALL)
    install(DIRECTORY ${dir}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT nvembed_dev
            FILES_MATCHING PATTERN *.hpp PATTERN *.inl PATTERN *.tpp PATTERN *.inc PATTERN *.cuh)
  endif()
  if(arg_NO_TWIN)
    return()
  endif()

  set(twin ${target}_compiled)
  set(units ${arg_SOURCES})
  foreach(from IN ITEMS ${arg_DIR} LISTS arg_DIRS)
    file(REAL_PATH ${from} from BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    list(APPEND twin_includes $<BUILD_INTERFACE:${from}>)
    file(GLOB_RECURSE bodies CONFIGURE_DEPENDS RELATIVE ${from} ${from}/*.inl)
    foreach(body IN LISTS bodies)
      string(REGEX REPLACE "^nvembed/|\\.inl$" "" unit ${body})
      string(MAKE_C_IDENTIFIER ${unit} unit)
      set(unit ${PROJECT_BINARY_DIR}/${twin}/${unit}.cpp)
      file(GENERATE OUTPUT ${unit} CONTENT "#include <${body}>\n")
      list(APPEND units ${unit})
    endforeach()
  endforeach()
  add_library(${twin} STATIC ${units})
  # Eight `.inl` files at once compile in half the time; as headers all of them are one unit anyway.
  set_target_properties(${twin} PROPERTIES UNITY_BUILD ON)
  set_source_files_properties(${arg_SOURCES} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  set_target_properties(${twin} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_EXTENSIONS OFF
                                           ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
  if(NOT PROJECT_IS_TOP_LEVEL AND NOT NVEMBED_INSTALL)
    set_target_properties(${twin} PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
  target_compile_features(${twin} PUBLIC cxx_std_20)
  target_compile_definitions(${twin} PUBLIC NVEMBED_COMPILED)
  target_include_directories(${twin} PUBLIC ${twin_includes}
                                            $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${twin} PUBLIC ${arg_DEPENDS} PRIVATE ${arg_HEADER_ONLY})
  if(arg_MACRO)
    target_compile_definitions(${twin} PUBLIC NVEMBED_WITH_${arg_MACRO} NVEMBED_${arg_MACRO}_COMPILED)
  endif()
  foreach(used IN LISTS arg_USES)
    if(TARGET ${used}_compiled)  # else its folder is among DIRS
      target_link_libraries(${twin} PUBLIC ${used}_compiled)
    endif()
  endforeach()
  nvembed_form(${twin} compiled)
  nvembed_export(${twin} ${public_name}_compiled COMPONENT ${name})
endfunction()
