#include "config/yaml_tree.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <sstream>
#include <utility>

namespace dbbackup {
namespace {

/// The deepest key of ours has four levels.
constexpr std::size_t kDepthMax = 16;
constexpr std::size_t kNodesMax = 100'000;

Mark mark_from(const YAML::Mark& mark) {
    if (mark.is_null()) {
        return {};
    }
    return {static_cast<unsigned>(mark.line) + 1, static_cast<unsigned>(mark.column) + 1};
}

/// Thrown through the library to end the reading of a document that we do not want.
struct Refused {
    Mark mark;
    std::string problem;
};

constexpr std::string_view kUnclosedQuote =
    "a quote that opens here is not closed on its line (a value of several lines can be written "
    "with |)";

/// Whether the quote at `start` closes before the end of its line; `end` is then behind it.
bool closes_on_its_line(std::string_view text, std::size_t start, std::size_t& end) {
    const char quote = text[start];
    for (std::size_t at = start + 1; at < text.size() && text[at] != '\n'; ++at) {
        const bool is_pair = at + 1 < text.size() && text[at + 1] == quote;
        if (quote == '"' && text[at] == '\\') {
            ++at;  // What is escaped; if it is the line break, the loop ends with the text's line.
            if (at < text.size() && text[at] == '\n') {
                return false;
            }
        } else if (text[at] == quote && quote == '\'' && is_pair) {
            ++at;
        } else if (text[at] == quote) {
            end = at + 1;
            return true;
        }
    }
    return false;
}

/// Builds the tree from the library's events. The library's own tree would expand aliases.
class Builder final : public YAML::EventHandler {
public:
    Builder(std::string_view text, std::string_view file, Problems& problems)
        : text_(text), file_(file), problems_(problems) {}

    YamlNode take() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
        add({.kind = YamlNode::Kind::null, .mark = mark_from(mark)});
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        throw Refused{mark_from(mark), "aliases (*name) are not supported: repeat the value"};
    }
    void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  const std::string& value) override {
        refuse_unclosed_quote(mark);
        add({.kind = YamlNode::Kind::scalar, .mark = mark_from(mark), .text = value});
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {
        open({.kind = YamlNode::Kind::list, .mark = mark_from(mark)});
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {
        open({.kind = YamlNode::Kind::map, .mark = mark_from(mark)});
    }
    void OnMapEnd() override { close(); }

private:
    /// A list or map that is not at its end yet.
    struct Open {
        YamlNode node;
        std::optional<YamlNode::Key> key;           ///< Of a map, when its value comes next.
        std::map<std::string, unsigned> key_lines;  ///< The keys so far.
    };

    /// YAML lets a quoted value go on in the next lines, up to the next quote: a forgotten one
    /// would make what follows a part of the value.
    void refuse_unclosed_quote(const YAML::Mark& mark) const {
        const auto at = static_cast<std::size_t>(mark.pos);
        std::size_t end = 0;
        if (mark.pos >= 0 && at < text_.size() && (text_[at] == '"' || text_[at] == '\'') &&
            !closes_on_its_line(text_, at, end)) {
            throw Refused{mark_from(mark), std::string(kUnclosedQuote)};
        }
    }

    void open(YamlNode node) {
        if (open_.size() >= kDepthMax) {
            throw Refused{node.mark, fmt::format("more than {} levels deep", kDepthMax)};
        }
        open_.push_back({std::move(node), std::nullopt, {}});
    }

    void close() {
        YamlNode node = std::move(open_.back().node);
        open_.pop_back();
        add(std::move(node));
    }

    void add(YamlNode node) {
        if (++nodes_ > kNodesMax) {
            throw Refused{node.mark, fmt::format("more than {} values", kNodesMax)};
        }
        if (open_.empty()) {
            root_ = std::move(node);
            return;
        }
        Open& parent = open_.back();
        if (parent.node.kind == YamlNode::Kind::list) {
            parent.node.items.push_back(std::move(node));
        } else if (!parent.key) {
            take_key(parent, std::move(node));
        } else {
            add_entry(parent, std::move(node));
        }
    }

    static void take_key(Open& parent, YamlNode node) {
        if (node.kind != YamlNode::Kind::scalar) {
            throw Refused{node.mark, "a key must be a word"};
        }
        parent.key = YamlNode::Key{std::move(node.text), node.mark};
    }

    void add_entry(Open& parent, YamlNode node) {
        YamlNode::Key key = *std::exchange(parent.key, std::nullopt);
        const auto [earlier, is_new] = parent.key_lines.emplace(key.text, key.mark.line);
        if (!is_new) {
            problems_.add(file_, key.mark, key.text,
                          fmt::format("is given twice; the first is in line {}", earlier->second));
            return;
        }
        parent.node.keys.push_back(std::move(key));
        parent.node.items.push_back(std::move(node));
    }

    std::string_view text_;
    std::string file_;
    Problems& problems_;
    YamlNode root_;
    std::vector<Open> open_;
    std::size_t nodes_ = 0;
};

/// The library's reaction to tabs in an indentation is hard to understand, so we look first.
std::optional<Mark> tab_in_indentation(std::string_view text) {
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        const std::string_view line = text.substr(start, end - start);
        const std::size_t content = line.find_first_not_of(" \t\r");
        const std::size_t tab = line.find('\t');
        if (content != std::string_view::npos && tab < content) {
            return mark_of(text, start + tab);
        }
        start = end + 1;
    }
    return std::nullopt;
}

/// Where in the line from `start` to `end` a quoted value may open that does not close there.
std::optional<std::size_t> open_quote_in_line(std::string_view text, std::size_t start,
                                              std::size_t end) {
    constexpr std::string_view kBefore = " \t[{,:";
    for (std::size_t at = start; at < end; ++at) {
        const bool may_open = at == start || kBefore.find(text[at - 1]) != std::string_view::npos;
        if ((text[at] != '"' && text[at] != '\'') || !may_open) {
            continue;
        }
        std::size_t behind = 0;
        if (!closes_on_its_line(text, at, behind)) {
            return at;
        }
        at = behind - 1;
    }
    return std::nullopt;
}

/// Whether the library misses a closing quote at the end of this text.
bool ends_in_quote(std::string_view text) {
    try {
        std::istringstream stream{std::string(text)};
        YAML::Parser parser(stream);
        Problems ignored;
        Builder builder(text, "", ignored);
        parser.HandleNextDocument(builder);
    } catch (const Refused&) {
        return false;
    } catch (const YAML::Exception& error) {
        return error.msg == YAML::ErrorMsg::EOF_IN_SCALAR;
    }
    return false;
}

/// Where the quote opens that makes a text unreadable. The library tells where it gave up, which
/// is the end of the file, or some later quote.
std::optional<Mark> unclosed_quote(std::string_view text) {
    // A comment may look like one; each is tried out, but not those of a hostile file.
    constexpr int kTriesMax = 50;
    int tries = 0;
    for (std::size_t start = 0; start < text.size() && tries < kTriesMax;) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        if (const std::optional<std::size_t> at = open_quote_in_line(text, start, end)) {
            ++tries;
            if (ends_in_quote(text.substr(0, end))) {
                return mark_of(text, *at);
            }
        }
        start = end + 1;
    }
    return std::nullopt;
}

/// "End of map not found" -> "end of map not found"
std::string lower_first(std::string text) {
    if (!text.empty()) {
        text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    }
    return shown(text);
}

}  // namespace

std::optional<YamlNode> parse_yaml(std::string_view text, std::string_view file,
                                   Problems& problems) {
    if (text.starts_with("\xef\xbb\xbf")) {  // a byte order mark, which some editors write
        text.remove_prefix(3);
    }
    const std::size_t valid = utf8_prefix_bytes(text);
    if (valid < text.size() || text.find('\0') != std::string_view::npos) {
        problems.add(file, mark_of(text, std::min(valid, text.find('\0'))), "",
                     "is not UTF-8 text");
        return std::nullopt;
    }
    if (const std::optional<Mark> tab = tab_in_indentation(text)) {
        problems.add(file, *tab, "", "a tab cannot indent YAML; use spaces");
        return std::nullopt;
    }
    try {
        std::istringstream stream{std::string(text)};
        YAML::Parser parser(stream);
        Builder builder(text, file, problems);
        if (!parser.HandleNextDocument(builder)) {
            return YamlNode();
        }
        Builder second(text, file, problems);
        if (parser.HandleNextDocument(second)) {
            problems.add(file, second.take().mark, "", "a second YAML document (after `---`)");
        }
        return builder.take();
    } catch (const Refused& refused) {
        problems.add(file, refused.mark, "", refused.problem);
    } catch (const YAML::Exception& error) {
        if (const std::optional<Mark> quote = unclosed_quote(text)) {
            problems.add(file, *quote, "", fmt::format("is not YAML: {}", kUnclosedQuote));
            return std::nullopt;
        }
        problems.add(file, mark_from(error.mark), "",
                     fmt::format("is not YAML: {}", lower_first(error.msg)));
    }
    return std::nullopt;
}

}  // namespace dbbackup
