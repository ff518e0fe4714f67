#pragma once

/// @file
/// Metrics as the text that Prometheus scrapes and the node exporter reads from files. Pure.
///
/// Source: Prometheus, "Exposition formats", text-based format, version 0.0.4.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dbbackup {

enum class MetricKind : std::uint8_t { gauge, counter };

/// Names, and values that are UTF-8.
using MetricLabels = std::vector<std::pair<std::string_view, std::string>>;

/// All samples of one name, which stand together.
class MetricFamily {
public:
    /// @param name Without our prefix; its unit, in the plural, is its end; of a counter "total".
    /// @param help One sentence.
    MetricFamily(std::string_view name, MetricKind kind, std::string_view help);

    void add(const MetricLabels& labels, std::int64_t value);
    void add(const MetricLabels& labels, std::uint64_t value);
    void add(const MetricLabels& labels, std::chrono::sys_seconds time);
    /// In seconds, with their thousandths.
    void add(const MetricLabels& labels, std::chrono::milliseconds duration);

    /// Lines with their breaks; nothing without a sample.
    [[nodiscard]] std::string text() const;

private:
    void add_text(const MetricLabels& labels, const std::string& value);

    std::string name_;
    std::string head_;
    std::string samples_;
};

}  // namespace dbbackup
