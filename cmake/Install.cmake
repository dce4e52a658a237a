# The package for find_package(nvembed): one targets file a component, in the install tree and in the build tree. Install
# components: nvembed_dev is the library, nvembed_program the program.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/nvembed)
get_property(components GLOBAL PROPERTY NVEMBED_COMPONENTS)
list(REMOVE_DUPLICATES components)
foreach(component IN LISTS components)
  install(EXPORT nvembed-${component} NAMESPACE nvembed:: FILE nvembed-${component}-targets.cmake
          DESTINATION ${package_dir} COMPONENT nvembed_dev)
  export(EXPORT nvembed-${component} NAMESPACE nvembed:: FILE ${PROJECT_BINARY_DIR}/nvembed-${component}-targets.cmake)
endforeach()

get_property(NVEMBED_CUDA_NEEDS_CUDNN GLOBAL PROPERTY NVEMBED_CUDA_NEEDS_CUDNN)
configure_package_config_file(cmake/nvembed-config.cmake.in ${PROJECT_BINARY_DIR}/nvembed-config.cmake
                              INSTALL_DESTINATION ${package_dir} NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Before 1.0 each minor version may change names.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/nvembed-config-version.cmake COMPATIBILITY SameMinorVersion)
file(GLOB find_modules CONFIGURE_DEPENDS cmake/find/*.cmake)
foreach(module IN LISTS find_modules)
  file(COPY ${module} DESTINATION ${PROJECT_BINARY_DIR})
endforeach()
install(FILES ${PROJECT_BINARY_DIR}/nvembed-config.cmake ${PROJECT_BINARY_DIR}/nvembed-config-version.cmake
              ${find_modules} DESTINATION ${package_dir} COMPONENT nvembed_dev)
install(FILES LICENSE NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT nvembed_dev)

include(cmake/PkgConfig.cmake)
if(PROJECT_IS_TOP_LEVEL)
  include(cmake/Package.cmake)
endif()
