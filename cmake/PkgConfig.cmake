# The same components and forms for pkg-config. Paths are relative to the .pc file, so that the tree can be moved. The
# language standard is the user's to name (-std=c++20 or later): a flag here would overrule a later one.
file(RELATIVE_PATH pc_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
cmake_path(APPEND pc_includedir "\${prefix}" ${CMAKE_INSTALL_INCLUDEDIR})  # as it is where that is absolute
cmake_path(APPEND pc_libdir "\${prefix}" ${CMAKE_INSTALL_LIBDIR})

# nvembed_pc(NAME DESCRIPTION [REQUIRES packages] [CFLAGS flags] [LIBS flags])
function(nvembed_pc pc_name pc_description)
  cmake_parse_arguments(PARSE_ARGV 2 pc "" "REQUIRES;CFLAGS;LIBS" "")
  foreach(field IN ITEMS requires cflags libs)
    string(TOUPPER ${field} argument)
    set(pc_${field} "${pc_${argument}}")
  endforeach()
  configure_file(cmake/nvembed.pc.in ${PROJECT_BINARY_DIR}/pkgconfig/${pc_name}.pc @ONLY)
  file(READ ${PROJECT_BINARY_DIR}/pkgconfig/${pc_name}.pc text)
  string(REGEX REPLACE "[A-Z][a-z]+: *\n" "" text "${text}")  # fields without a value
  file(WRITE ${PROJECT_BINARY_DIR}/pkgconfig/${pc_name}.pc "${text}")
  install(FILES ${PROJECT_BINARY_DIR}/pkgconfig/${pc_name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
          COMPONENT nvembed_dev)
endfunction()

nvembed_pc(nvembed "${PROJECT_DESCRIPTION}, header-only core" REQUIRES "nlohmann_json >= 3.11, libutf8proc >= 2.5"
           CFLAGS -pthread LIBS -pthread)
nvembed_pc(nvembed-compiled "${PROJECT_DESCRIPTION}, compiled core" REQUIRES "libutf8proc >= 2.5"
           CFLAGS "-pthread -DNVEMBED_COMPILED" LIBS "-L\${libdir} -lnvembed_compiled -pthread")

nvembed_pc(nvembed-eigen "nvembed on Eigen, header-only" REQUIRES "nvembed = ${PROJECT_VERSION}, eigen3 >= 3.4"
           CFLAGS -DNVEMBED_WITH_EIGEN)
nvembed_pc(nvembed-eigen-compiled "nvembed on Eigen, compiled" REQUIRES "nvembed-compiled = ${PROJECT_VERSION}"
           CFLAGS "-DNVEMBED_WITH_EIGEN -DNVEMBED_EIGEN_COMPILED" LIBS "-L\${libdir} -lnvembed_eigen_compiled")

if(TARGET nvembed_onednn)
  # oneDNN has no .pc file: its library is expected where the compiler looks, or where the user says.
  set(dnnl_libs "-ldnnl")
  if(CMAKE_DL_LIBS)
    string(APPEND dnnl_libs " -l${CMAKE_DL_LIBS}")
  endif()
  nvembed_pc(nvembed-onednn "nvembed on oneDNN, header-only" REQUIRES "nvembed = ${PROJECT_VERSION}"
             CFLAGS -DNVEMBED_WITH_ONEDNN LIBS "${dnnl_libs}")
  nvembed_pc(nvembed-onednn-compiled "nvembed on oneDNN, compiled" REQUIRES "nvembed-compiled = ${PROJECT_VERSION}"
             CFLAGS "-DNVEMBED_WITH_ONEDNN -DNVEMBED_ONEDNN_COMPILED"
             LIBS "-L\${libdir} -lnvembed_onednn_compiled ${dnnl_libs}")
endif()
if(TARGET nvembed_sentencepiece)  # header-only, beside either form
  nvembed_pc(nvembed-sentencepiece "nvembed's reader of tokenizer.model files" REQUIRES sentencepiece
             CFLAGS -DNVEMBED_WITH_SENTENCEPIECE)
endif()
