# CPack runs this between installing into its staging folder, one folder a component, and packing.
foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  string(TOUPPER ${component} upper)
  set(dir ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/${component}${CPACK_PACKAGING_INSTALL_PREFIX})
  file(READ ${CPACK_NVEMBED_NOTICE} notice)
  file(WRITE ${dir}/share/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME}/copyright
       "${notice}\nOn Debian the licence is in /usr/share/common-licenses/Apache-2.0.\n")
endforeach()
