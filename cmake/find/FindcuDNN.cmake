# cuDNN::cudnn, and cuDNN::frontend where the headers of cudnn-frontend are: those of version 1.13 or newer, of the wheel
# nvidia-cudnn-frontend, where cmake/setup.sh --cudnn puts them, or where cuDNN_FRONTEND_INCLUDE_DIR says. Version 9 or newer
# of cuDNN, beside the CUDA toolkit (FindCUDAToolkit comes first), on the usual paths or under cuDNN_ROOT. The component
# `frontend` is there where its headers are.
find_path(cuDNN_INCLUDE_DIR cudnn_version.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
find_library(cuDNN_LIBRARY cudnn HINTS ${CUDAToolkit_LIBRARY_DIR})
set(cuDNN_cache $ENV{XDG_CACHE_HOME})
if(NOT cuDNN_cache)
  set(cuDNN_cache $ENV{HOME}/.cache)
endif()
find_path(cuDNN_FRONTEND_INCLUDE_DIR cudnn_frontend.h HINTS ${cuDNN_cache}/nvembed/cudnn_frontend/include
          ${cuDNN_INCLUDE_DIR})
set(cuDNN_VERSION "")
if(cuDNN_INCLUDE_DIR)
  foreach(part MAJOR MINOR PATCHLEVEL)
    file(STRINGS ${cuDNN_INCLUDE_DIR}/cudnn_version.h line REGEX "define CUDNN_${part} ")
    string(REGEX MATCH "[0-9]+$" number "${line}")
    string(APPEND cuDNN_VERSION ".${number}")
  endforeach()
  string(SUBSTRING "${cuDNN_VERSION}" 1 -1 cuDNN_VERSION)
endif()
set(cuDNN_frontend_FOUND FALSE)
if(cuDNN_FRONTEND_INCLUDE_DIR)
  set(cuDNN_frontend_FOUND TRUE)
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(cuDNN REQUIRED_VARS cuDNN_LIBRARY cuDNN_INCLUDE_DIR VERSION_VAR cuDNN_VERSION
                                  HANDLE_COMPONENTS)
mark_as_advanced(cuDNN_INCLUDE_DIR cuDNN_LIBRARY cuDNN_FRONTEND_INCLUDE_DIR)
if(cuDNN_FOUND AND NOT TARGET cuDNN::cudnn)
  add_library(cuDNN::cudnn UNKNOWN IMPORTED)
  set_target_properties(cuDNN::cudnn PROPERTIES IMPORTED_LOCATION ${cuDNN_LIBRARY}
                                                INTERFACE_INCLUDE_DIRECTORIES ${cuDNN_INCLUDE_DIR})
endif()
if(cuDNN_FOUND AND cuDNN_frontend_FOUND AND NOT TARGET cuDNN::frontend)
  add_library(cuDNN::frontend INTERFACE IMPORTED)
  set_target_properties(cuDNN::frontend PROPERTIES INTERFACE_INCLUDE_DIRECTORIES ${cuDNN_FRONTEND_INCLUDE_DIR}
                                                   INTERFACE_LINK_LIBRARIES "cuDNN::cudnn;CUDA::nvrtc")
endif()
