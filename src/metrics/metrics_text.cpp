#include "metrics/metrics_text.hpp"

#include <fmt/format.h>

namespace dbbackup {
namespace {

std::string escaped(std::string_view value) {
    std::string text;
    for (const char character : value) {
        switch (character) {
            case '\\': text += "\\\\"; break;
            case '"': text += "\\\""; break;
            case '\n': text += "\\n"; break;
            default: text += character;
        }
    }
    return text;
}

}  // namespace

MetricFamily::MetricFamily(std::string_view name, MetricKind kind, std::string_view help)
    : name_(fmt::format("db_backup_{}", name)),
      head_(fmt::format("# HELP {} {}\n# TYPE {} {}\n", name_, help, name_,
                        kind == MetricKind::gauge ? "gauge" : "counter")) {}

void MetricFamily::add(const MetricLabels& labels, std::int64_t value) {
    add_text(labels, std::to_string(value));
}

void MetricFamily::add(const MetricLabels& labels, std::uint64_t value) {
    add_text(labels, std::to_string(value));
}

void MetricFamily::add(const MetricLabels& labels, std::chrono::sys_seconds time) {
    add_text(labels, std::to_string(time.time_since_epoch().count()));
}

void MetricFamily::add(const MetricLabels& labels, std::chrono::milliseconds duration) {
    add_text(labels, fmt::format("{:.3f}", std::chrono::duration<double>(duration).count()));
}

void MetricFamily::add_text(const MetricLabels& labels, const std::string& value) {
    samples_ += name_;
    char before = '{';
    for (const auto& [label, text] : labels) {
        samples_ += fmt::format("{}{}=\"{}\"", before, label, escaped(text));
        before = ',';
    }
    samples_ += labels.empty() ? " " : "} ";
    samples_ += value;
    samples_ += '\n';
}

std::string MetricFamily::text() const { return samples_.empty() ? "" : head_ + samples_; }

}  // namespace dbbackup
