"""Conan 2 recipe: the library in both forms. What it stands on comes from the system's package manager."""

import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load
from conan.tools.system.package_manager import Apt

required_conan_version = ">=2.0"


class NvembedConan(ConanFile):
    name = "nvembed"
    description = "Text embeddings from decoder language models"
    license = "Apache-2.0"
    topics = ("embeddings", "language-models", "header-only")
    package_type = "static-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"onednn": [True, False], "sentencepiece": [True, False]}
    default_options = {"onednn": True, "sentencepiece": True}

    @property
    def _root(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        header = load(self, os.path.join(self._root, "include", "nvembed", "version.hpp"))
        self.version = re.search(r'define NVEMBED_VERSION "([^"]+)"', header).group(1)

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "NOTICE", "cmake/*", "include/*", "backends/*", "src/*"):
            copy(self, pattern, src=self._root, dst=self.export_sources_folder)

    def layout(self):
        cmake_layout(self)

    def validate(self):
        check_min_cppstd(self, 20)

    def system_requirements(self):
        packages = ["libeigen3-dev", "libutf8proc-dev", "nlohmann-json3-dev"]
        if self.options.onednn:
            packages.append("libdnnl-dev")
        if self.options.sentencepiece:
            packages.append("libsentencepiece-dev")
        Apt(self).install(packages)  # elsewhere CMake names what is missing

    def generate(self):
        toolchain = CMakeToolchain(self)
        for part in ("TESTS", "EXAMPLES", "CLI"):
            toolchain.cache_variables[f"NVEMBED_BUILD_{part}"] = False
        toolchain.cache_variables["NVEMBED_WITH_ONEDNN"] = bool(self.options.onednn)
        toolchain.cache_variables["NVEMBED_WITH_SENTENCEPIECE"] = bool(self.options.sentencepiece)
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", src=self.source_folder, dst=os.path.join(self.package_folder, "licenses"))
        copy(self, "NOTICE", src=self.source_folder, dst=os.path.join(self.package_folder, "licenses"))

    def package_info(self):
        # CMake finds the package's own files, which know components, forms and system libraries.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = ["lib/cmake/nvembed"]
        # Other build systems get the compiled form.
        self.cpp_info.libs = ["nvembed_eigen_compiled", "nvembed_compiled"]
        self.cpp_info.defines = ["NVEMBED_COMPILED", "NVEMBED_WITH_EIGEN", "NVEMBED_EIGEN_COMPILED"]
        self.cpp_info.system_libs = ["utf8proc", "pthread"]
        if self.options.onednn:
            self.cpp_info.libs.insert(0, "nvembed_onednn_compiled")
            self.cpp_info.defines += ["NVEMBED_WITH_ONEDNN", "NVEMBED_ONEDNN_COMPILED"]
            self.cpp_info.system_libs += ["dnnl", "dl"]
        if self.options.sentencepiece:
            self.cpp_info.defines.append("NVEMBED_WITH_SENTENCEPIECE")
            self.cpp_info.system_libs.append("sentencepiece")
