#include "storage/s3/aws_metadata.hpp"

#include "base/error.hpp"
#include "base/plain_json.hpp"
#include "storage/cloud/service_answer.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace dbbackup {
namespace {

std::string required(std::optional<std::string> text, const char* what) {
    if (!text || text->empty()) {
        throw StorageError(fmt::format("{} gives no keys", what));
    }
    return std::move(*text);
}

/// In plain HTTP a token may only go to this machine or its metadata services.
void check_container_url(const std::string& url) {
    constexpr std::array<std::string_view, 6> kAllowed = {
        "127.0.0.1", "localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
    constexpr std::string_view kPlain = "http://";
    const bool is_plain = url.starts_with(kPlain);
    // With its port; a name that only begins so is another host.
    std::string_view host = is_plain ? std::string_view(url).substr(kPlain.size()) : url;
    host = host.substr(0, host.find_first_of("/?#"));
    const auto is_host = [host](std::string_view allowed) {
        const std::string_view port = host.substr(std::min(allowed.size(), host.size()));
        return host.starts_with(allowed) &&
               (port.empty() || (port.front() == ':' && port.find_first_not_of("0123456789", 1) ==
                                                            std::string_view::npos));
    };
    if (!url.starts_with("https://") && !(is_plain && std::ranges::any_of(kAllowed, is_host))) {
        throw explained<ConfigError>(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI names a host that is neither this machine nor "
            "reached by https",
            "Give an https URL, or unset the variable.", "credentials_missing");
    }
}

}  // namespace

AwsCredentials parse_credentials(std::string_view json, std::string_view what) {
    const nlohmann::json parsed = parse_plain_json(json);
    const std::string id = text_at(parsed, "AccessKeyId");
    const std::string secret = text_at(parsed, "SecretAccessKey");
    if (id.empty() || secret.empty()) {
        throw StorageError(fmt::format("{} gives no keys", what));
    }
    std::string token = text_at(parsed, "Token");
    if (token.empty()) {
        token = text_at(parsed, "SessionToken");
    }
    return {std::make_shared<const AwsKeys>(AwsKeys{id, Secret(secret), Secret(token)}),
            parse_second(text_at(parsed, "Expiration"))};
}

std::optional<AwsCredentials> container_credentials(HttpClient& http, const ReadVariable& variable,
                                                    std::stop_token stop) {
    HttpRequest request;
    if (const auto relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")) {
        request.url = "http://169.254.170.2" + *relative;
    } else if (const auto full = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
        check_container_url(*full);
        request.url = *full;
    } else {
        return std::nullopt;
    }
    if (const auto file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")) {
        request.headers.emplace_back("authorization", read_token_file(*file, stop));
    } else if (const auto token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN")) {
        request.headers.emplace_back("authorization", *token);
    }
    constexpr const char* kWhat = "the container's credentials service";
    const HttpResponse response = answered(http.send(request, std::move(stop)), kWhat);
    return parse_credentials(as_text(response.body), kWhat);
}

std::optional<AwsCredentials> machine_credentials(HttpClient& http, const ReadVariable& variable,
                                                  std::stop_token stop) {
    constexpr const char* kWhat = "the machine's metadata service";
    if (variable("AWS_EC2_METADATA_DISABLED").value_or("") == "true") {
        return std::nullopt;
    }
    std::string base =
        variable("AWS_EC2_METADATA_SERVICE_ENDPOINT").value_or("http://169.254.169.254");
    while (base.ends_with('/')) {
        base.pop_back();
    }
    HttpRequest ask_token;
    ask_token.method = "PUT";
    ask_token.url = base + "/latest/api/token";
    ask_token.headers = {{"x-aws-ec2-metadata-token-ttl-seconds", "21600"}};
    HttpResponse token;
    try {
        token = http.send(ask_token, stop);
    } catch (const HttpError&) {
        return std::nullopt;  // This is no machine of AWS.
    }
    if (token.status != http_status::ok) {
        return std::nullopt;
    }
    HttpRequest request;
    request.headers = {{"x-aws-ec2-metadata-token", std::string(as_text(token.body))}};
    request.url = base + "/latest/meta-data/iam/security-credentials/";
    HttpResponse role = http.send(request, stop);
    if (role.status == http_status::not_found) {
        return std::nullopt;
    }
    role = answered(std::move(role), kWhat);
    const std::string_view names = as_text(role.body);
    request.url += percent_encoded(names.substr(0, names.find('\n')));
    const HttpResponse response = answered(http.send(request, std::move(stop)), kWhat);
    return parse_credentials(as_text(response.body), kWhat);
}

AwsCredentials web_identity_credentials(HttpClient& http, const ReadVariable& variable,
                                        const WebIdentity& identity, std::stop_token stop) {
    constexpr const char* kWhat = "AWS's token service";
    const std::string base =
        variable("AWS_ENDPOINT_URL_STS")
            .value_or(fmt::format("https://sts.{}.amazonaws.com", identity.region));
    const std::string body = fmt::format(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={}&RoleSessionName={}"
        "&WebIdentityToken={}",
        percent_encoded(identity.role_arn), percent_encoded(identity.session_name),
        percent_encoded(read_token_file(identity.token_file, stop)));
    HttpRequest request;
    request.method = "POST";
    request.url = base + "/";
    request.headers = {{"content-type", "application/x-www-form-urlencoded"}};
    request.body = as_bytes(body);
    const HttpResponse response = answered(http.send(request, std::move(stop)), kWhat);
    pugi::xml_document document;
    document.load_buffer(response.body.data(), response.body.size());
    const pugi::xml_node found = document.select_node("//*[local-name()='Credentials']").node();
    const auto text = [&found](const char* name) {
        return std::optional<std::string>(found.child(name).text().as_string());
    };
    return {
        std::make_shared<const AwsKeys>(AwsKeys{required(text("AccessKeyId"), kWhat),
                                                Secret(required(text("SecretAccessKey"), kWhat)),
                                                Secret(required(text("SessionToken"), kWhat))}),
        parse_second(text("Expiration").value())};
}

}  // namespace dbbackup
