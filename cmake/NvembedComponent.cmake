# nvembed_component(NAME DIR): the header-only library nvembed::NAME over the headers under DIR.
function(nvembed_component name dir)
  add_library(${name} INTERFACE)
  add_library(nvembed::${name} ALIAS ${name})
  target_compile_features(${name} INTERFACE cxx_std_20)
  target_include_directories(${name} INTERFACE $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/${dir}>
                                               $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endfunction()
