// Names of kernels, from the program's own symbol table.

#include <cxxabi.h>
#include <elf.h>
#include <link.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "grid.hpp"

namespace emulator {
namespace {

struct Module {
  std::uintptr_t address = 0, base = 0;
  std::string path;
};

int find_module(dl_phdr_info* info, std::size_t, void* out) {
  auto& module = *static_cast<Module*>(out);
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& segment = info->dlpi_phdr[i];
    const std::uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
    if (segment.p_type != PT_LOAD || module.address < begin || module.address >= begin + segment.p_memsz) continue;
    module.base = info->dlpi_addr;
    module.path = info->dlpi_name[0] != '\0' ? info->dlpi_name : "/proc/self/exe";
    return 1;
  }
  return 0;
}

std::string mangled_name(std::uintptr_t address) {
  Module module;
  module.address = address;
  if (dl_iterate_phdr(find_module, &module) == 0) return "";
  std::ifstream in(module.path, std::ios::binary);
  const std::vector<char> file((std::istreambuf_iterator<char>(in)), {});
  ElfW(Ehdr) header;
  if (file.size() < sizeof header) return "";
  std::memcpy(&header, file.data(), sizeof header);
  if (header.e_shoff + std::size_t{header.e_shnum} * sizeof(ElfW(Shdr)) > file.size()) return "";
  std::vector<ElfW(Shdr)> sections(header.e_shnum);
  std::memcpy(sections.data(), file.data() + header.e_shoff, sections.size() * sizeof(ElfW(Shdr)));
  for (const auto& section : sections) {
    if (section.sh_type != SHT_SYMTAB && section.sh_type != SHT_DYNSYM) continue;
    for (std::size_t i = 0; i < section.sh_size / sizeof(ElfW(Sym)); ++i) {
      ElfW(Sym) symbol;
      std::memcpy(&symbol, file.data() + section.sh_offset + i * sizeof symbol, sizeof symbol);
      if (symbol.st_value == address - module.base && (symbol.st_info & 0xF) == STT_FUNC)
        return file.data() + sections[section.sh_link].sh_offset + symbol.st_name;
    }
  }
  return "";
}

}  // namespace

std::string symbol_name(const void* address) {
  const std::string mangled = mangled_name(reinterpret_cast<std::uintptr_t>(address));
  int status = 1;
  char* demangled = abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status);
  std::string name = status == 0 ? demangled : mangled;
  std::free(demangled);
  if (name.empty()) {
    std::ostringstream s;
    s << address;
    name = s.str();
  }
  if (name.rfind("void ", 0) == 0) name.erase(0, 5);
  const std::string unnamed = "(anonymous namespace)::";
  for (std::size_t at; (at = name.find(unnamed)) != std::string::npos;) name.erase(at, unnamed.size());
  return name.substr(0, name.find('('));  // the parameters are long
}

}  // namespace emulator
