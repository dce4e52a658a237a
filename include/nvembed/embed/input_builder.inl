#pragma once

#include <algorithm>
#include <limits>
#include <nvembed/embed/input_builder.hpp>
#include <nvembed/text/instruction.hpp>
#include <vector>

namespace nvembed {

NVEMBED_INLINE std::string InputBuilder::prefix_of(const Text& text, const EncodeOptions& options) const {
  if (text.prefix) return std::string(*text.prefix);
  if (text.instruction) return text::apply_template(settings_.query_template, *text.instruction);
  if (options.prefix) return *options.prefix;
  if (!options.instruction.empty()) return text::apply_template(settings_.query_template, options.instruction);
  const std::string& name = options.prompt.empty() ? settings_.default_prompt : options.prompt;
  if (name.empty()) return {};
  const auto prompt = settings_.prompts.find(name);
  if (prompt != settings_.prompts.end()) return prompt->second;
  std::string known;
  for (const auto& [key, value] : settings_.prompts) known += (known.empty() ? "" : ", ") + key;
  fail<InputError>("encode", "the model has no prompt '", name, "'; ",
                   known.empty() ? "it has none at all" : "it has: " + known);
}

NVEMBED_INLINE Index InputBuilder::max_length(const EncodeOptions& options) const {
  require<InputError>(options.max_length >= 0, "encode", "max_length is ", options.max_length);
  constexpr Index most = std::numeric_limits<std::int32_t>::max();
  const Index wanted = options.max_length > 0 ? options.max_length : settings_.max_length;
  return wanted > 0 ? std::min(wanted, most) : most;
}

NVEMBED_INLINE std::map<std::string, std::string> InputBuilder::identity(const EncodeOptions& options) const {
  return {{"compat", compat(options) == Compat::exact ? "exact" : "reference"},
          {"prompt", prefix_of({}, options)},
          {"prompt_pooled", settings_.pool_prompt ? "yes" : "no"},
          {"special", parses_special(options) ? "parsed" : "plain"},
          {"max_length", std::to_string(max_length(options))}};
}

NVEMBED_INLINE BuiltInput InputBuilder::build(const Text& text, const EncodeOptions& options, Index number) const {
  const std::string prefix = prefix_of(text, options);
  const Index limit = max_length(options);
  const bool reference = compat(options) == Compat::reference, special = parses_special(options);
  const auto& before = tokenizer_.before();
  const auto& after = tokenizer_.after();
  const Index frame = static_cast<Index>(before.size()) + (reference ? 0 : static_cast<Index>(after.size()));
  require<InputError>(reference || limit > frame, "encode", "max_length ", limit, " leaves no room beside the ", frame,
                      " tokens that the model puts around a text");

  BuiltInput built;
  if (const Index bytes = static_cast<Index>(prefix.size() + text.text.size());
      options.max_bytes > 0 && bytes > options.max_bytes) {
    built.excess = bytes - options.max_bytes;
    return built;
  }
  std::vector<TokenId>& ids = built.text.ids;
  std::vector<Index> ends;  // of each token, in bytes of prefix + text
  try {
    const std::string joined = prefix.empty() ? std::string() : prefix + std::string(text.text);
    ids = before;
    // One token more than fits tells whether the text is cut.
    tokenizer_.encode(prefix.empty() ? text.text : std::string_view(joined), ids,
                      {.parse_special = special, .limit = limit - frame + 1, .ends = &ends});
    if (reference && !prefix.empty()) {  // the released code counts the instruction alone, without BOS
      std::vector<TokenId> alone;
      tokenizer_.encode(prefix, alone, {.parse_special = special});
      built.text.pool_begin = static_cast<Index>(alone.size());
    }
  } catch (InputError& e) {
    e.set_text(number);
    throw;
  }
  // Tokens that end inside the prefix are the instruction's; one that reaches into the text is the text's.
  const Index instruction = static_cast<Index>(
      std::find_if(ends.begin(), ends.end(), [&](Index end) { return end > static_cast<Index>(prefix.size()); }) -
      ends.begin());
  if (!prefix.empty()) {
    built.text.prefix = static_cast<Index>(before.size()) + instruction;
    if (!reference) built.text.pool_begin = settings_.pool_prompt ? 0 : built.text.prefix;
  }

  if (reference) {  // EOS is part of the text, so a cut takes it
    ids.insert(ids.end(), after.begin(), after.end());
    built.truncated = static_cast<Index>(ids.size()) > limit;
    if (built.truncated) ids.resize(static_cast<std::size_t>(limit));
    if (settings_.pool_prompt) built.text.pool_begin = 0;
  } else {
    const Index room = limit - static_cast<Index>(after.size());
    built.truncated = static_cast<Index>(ids.size()) > room;
    if (built.truncated) ids.resize(static_cast<std::size_t>(room));
    built.instruction_fills = built.truncated && built.text.prefix >= room;
    ids.insert(ids.end(), after.begin(), after.end());
  }
  built.text.prefix = std::min(built.text.prefix, static_cast<Index>(ids.size()));
  return built;
}

}  // namespace nvembed
