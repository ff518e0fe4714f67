#include "notify/mail_text.hpp"

#include "base/bytes.hpp"
#include "crypto/base64.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ctime>

namespace dbbackup {
namespace {

constexpr std::size_t kLineMax = 76;    // Of base64 (RFC 2045, section 6.8).
constexpr std::size_t kWordBytes = 42;  // An encoded word has at most 75 characters (RFC 2047).

/// No break, and no other control character, gets into a header.
std::string one_line(std::string_view text) {
    std::string out(text);
    std::replace_if(
        out.begin(), out.end(), [](unsigned char each) { return each < ' ' || each == 127; }, ' ');
    return out;
}

/// A header's text, in encoded words where it is not plain ASCII.
std::string header_text(std::string_view text) {
    std::string line = one_line(text);
    const bool is_plain =
        std::all_of(line.begin(), line.end(), [](unsigned char each) { return each < 128; });
    if (is_plain) {
        return line;
    }
    std::vector<std::string> words;
    for (std::size_t begin = 0; begin < line.size();) {
        std::size_t end = std::min(begin + kWordBytes, line.size());
        while (end < line.size() && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80U) {
            --end;
        }
        words.push_back(
            fmt::format("=?UTF-8?B?{}?=",
                        to_base64(as_bytes(std::string_view(line).substr(begin, end - begin)))));
        begin = end;
    }
    return fmt::format("{}", fmt::join(words, "\r\n "));
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char each : text) {
        switch (each) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            default: out += each;
        }
    }
    return out;
}

std::string part(std::string_view type, std::string_view content) {
    const std::string encoded = to_base64(as_bytes(content));
    std::string lines;
    for (std::size_t begin = 0; begin < encoded.size(); begin += kLineMax) {
        lines += encoded.substr(begin, kLineMax) + "\r\n";
    }
    return fmt::format(
        "Content-Type: {}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}", type,
        lines);
}

std::string time_text(const Notice& notice, const char* form) {
    const std::time_t time = std::chrono::system_clock::to_time_t(notice.time);
    return fmt::format(fmt::runtime(form), fmt::gmtime(time));
}

std::string_view colour_of(Tone tone) {
    switch (tone) {
        case Tone::good: return "#1a7f37";
        case Tone::warning: return "#9a6700";
        case Tone::bad: return "#b42318";
    }
    return "";
}

std::vector<std::pair<std::string, std::string>> rows_of(const Notice& notice) {
    std::vector<std::pair<std::string, std::string>> rows;
    const auto add = [&rows](const std::string& name, const std::string& value) {
        if (!value.empty()) {
            rows.emplace_back(name, value);
        }
    };
    add("Source", notice.source);
    add("Job", notice.job);
    for (const auto& [name, value] : notice.facts) {
        add(name, value);
    }
    add("Host", notice.host);
    add("Time", time_text(notice, "{:%Y-%m-%d %H:%M:%S} UTC"));
    return rows;
}

}  // namespace

std::string address_of(std::string_view mailbox) {
    const std::size_t begin = mailbox.rfind('<');
    const std::size_t end = mailbox.rfind('>');
    if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) {
        return std::string(mailbox);
    }
    return std::string(mailbox.substr(begin + 1, end - begin - 1));
}

std::string mail_text(const Notice& notice) {
    std::string text = notice.title + "\n\n";
    if (!notice.problem.empty()) {
        text += notice.problem + "\n\n";
    }
    std::size_t width = 0;
    const auto rows = rows_of(notice);
    for (const auto& [name, value] : rows) {
        width = std::max(width, name.size());
    }
    for (const auto& [name, value] : rows) {
        text += fmt::format("{:<{}}  {}\n", name, width, value);
    }
    if (!notice.hint.empty()) {
        text += "\n" + notice.hint + "\n";
    }
    if (!notice.command.empty()) {
        text += "\nRun it again:\n  " + notice.command + "\n";
    }
    return text;
}

std::string mail_html(const Notice& notice) {
    constexpr std::string_view kCode =
        "margin:0 0 16px;padding:12px;background:#f6f8fa;color:#1f2328;border-radius:6px;"
        "font:13px/1.5 ui-monospace,Menlo,Consolas,monospace;white-space:pre-wrap;"
        "overflow-wrap:anywhere";
    std::string html = fmt::format(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width\"><title>{0}</title></head>\n"
        "<body style=\"margin:0;padding:24px;background:#ffffff;color:#1f2328;"
        "font:15px/1.5 -apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif\">\n"
        "<div style=\"max-width:640px;margin:0 auto;border-top:4px solid {1};padding-top:16px\">\n"
        "<h1 style=\"margin:0 0 16px;font-size:20px;color:{1}\">{0}</h1>\n",
        escaped(notice.title), colour_of(tone_of(notice.event)));
    if (!notice.problem.empty()) {
        html += fmt::format("<pre style=\"{}\">{}</pre>\n", kCode, escaped(notice.problem));
    }
    html += "<table style=\"border-collapse:collapse;margin:0 0 16px\">\n";
    for (const auto& [name, value] : rows_of(notice)) {
        html += fmt::format(
            "<tr><th style=\"text-align:left;vertical-align:top;padding:2px 16px 2px 0;"
            "color:#59636e;font-weight:normal\">{}</th><td style=\"padding:2px 0;"
            "overflow-wrap:anywhere\">{}</td></tr>\n",
            escaped(name), escaped(value));
    }
    html += "</table>\n";
    if (!notice.hint.empty()) {
        html += fmt::format("<p style=\"margin:0 0 16px\">{}</p>\n", escaped(notice.hint));
    }
    if (!notice.command.empty()) {
        html += fmt::format(
            "<p style=\"margin:0 0 4px;color:#59636e\">Run it again:</p>\n<pre style=\"{}\">{}"
            "</pre>\n",
            kCode, escaped(notice.command));
    }
    return html + "</div>\n</body></html>\n";
}

std::string mail_message(const Notice& notice, std::string_view from,
                         const std::vector<std::string>& to) {
    const std::string boundary = "=_" + notice.id;
    std::string domain = address_of(from);
    domain = domain.substr(domain.rfind('@') + 1);
    std::vector<std::string> receivers;
    std::transform(to.begin(), to.end(), std::back_inserter(receivers), one_line);
    return fmt::format(
        "Date: {}\r\nFrom: {}\r\nTo: {}\r\nSubject: {}\r\nMessage-ID: <{}@{}>\r\n"
        "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/alternative; boundary=\"{}\"\r\n\r\n"
        "--{}\r\n{}--{}\r\n{}--{}--\r\n",
        time_text(notice, "{:%a, %d %b %Y %H:%M:%S} +0000"), one_line(from),
        fmt::join(receivers, ", "), header_text("[db-backup] " + notice.title), notice.id, domain,
        boundary, boundary, part("text/plain", mail_text(notice)), boundary,
        part("text/html", mail_html(notice)), boundary);
}

}  // namespace dbbackup
