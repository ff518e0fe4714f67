#include "schedule/kubernetes.hpp"

#include "base/error.hpp"
#include "base/shell_word.hpp"
#include "calendar/crontab_times.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace dbbackup {
namespace {

/// "db-backup-" + this + "-state" stays below the 52 bytes that the name of a CronJob may have.
constexpr std::size_t kNameBytesMax = 36;

/// A text of YAML, which has those of JSON.
std::string quoted(const std::string& text) { return nlohmann::json(text).dump(); }

/// As a name of Kubernetes: RFC 1123, section 2.1, in small letters.
std::string label_of(std::string_view name) {
    std::string label;
    for (const char character : name) {
        const auto letter = static_cast<unsigned char>(character);
        label += std::isalnum(letter) != 0 ? static_cast<char>(std::tolower(letter)) : '-';
    }
    label = label.substr(0, std::min(label.size(), kNameBytesMax));
    const auto first = label.find_first_not_of('-');
    const auto last = label.find_last_not_of('-');
    return first == std::string::npos ? "root" : label.substr(first, last - first + 1);
}

/// The key of a file in the Secret: several may have one name.
std::string key_of(const std::filesystem::path& file) {
    std::string key = file.relative_path().native();
    std::replace_if(
        key.begin(), key.end(),
        [](unsigned char letter) {
            return std::isalnum(letter) == 0 && letter != '-' && letter != '_' && letter != '.';
        },
        '-');
    return key;
}

std::string claim_of(const std::filesystem::path& folder) {
    return "db-backup-" + label_of(folder.relative_path().native());
}

std::string head_of(const std::vector<ExportedJob>& jobs) {
    std::map<std::string, std::string> files;
    std::set<std::string> variables;
    std::map<std::string, std::string> claims;
    for (const ExportedJob& job : jobs) {
        for (const std::filesystem::path& file : job.files) {
            files[key_of(file)] = file.native();
        }
        for (const std::filesystem::path& folder : job.folders) {
            claims[claim_of(folder)] = folder.native();
        }
        variables.insert(job.variables.begin(), job.variables.end());
    }
    std::string text =
        "# Jobs of db-backup. What they read comes from Secrets, which these commands make:\n"
        "#   kubectl create secret generic db-backup-files";
    for (const auto& [key, file] : files) {
        text += fmt::format(" --from-file={}={}", key, shell_word(file));
    }
    text += "\n#   kubectl create secret generic db-backup-environment";
    for (const std::string& variable : variables) {
        text += fmt::format(" --from-literal={0}=\"${0}\"", variable);
    }
    text +=
        "\n# The second may also hold what else is to stand in the environment, such as the keys "
        "of a store.\n";
    for (const auto& [claim, folder] : claims) {
        text +=
            fmt::format("# The PersistentVolumeClaim {} is to hold {}.\n", claim, quoted(folder));
    }
    return text;
}

std::string environment_of(const ExportedJob& job) {
    std::string text =
        "              env:\n"
        "                - {name: XDG_CACHE_HOME, value: /var/cache}\n"
        "                - {name: XDG_STATE_HOME, value: /var/lib}\n"
        "                - {name: HOME, value: /tmp}\n";
    for (const std::string& variable : job.variables) {
        text += fmt::format(
            "                - name: {0}\n"
            "                  valueFrom: {{secretKeyRef: {{name: db-backup-environment, key: "
            "{0}}}}}\n",
            variable);
    }
    return text;
}

std::string mounts_of(const ExportedJob& job) {
    std::string text =
        "                - {name: tmp, mountPath: /tmp}\n"
        "                - {name: state, mountPath: /var/lib/db-backup, subPath: state}\n"
        "                - {name: state, mountPath: /var/cache/db-backup, subPath: cache}\n";
    for (const std::filesystem::path& file : job.files) {
        text += fmt::format(
            "                - {{name: files, mountPath: {}, subPath: {}, readOnly: true}}\n",
            quoted(file.native()), quoted(key_of(file)));
    }
    for (const std::filesystem::path& folder : job.folders) {
        text += fmt::format("                - {{name: {}, mountPath: {}}}\n", claim_of(folder),
                            quoted(folder.native()));
    }
    return text;
}

std::string volumes_of(const ExportedJob& job, const std::string& label) {
    std::string text = fmt::format(
        "            - {{name: tmp, emptyDir: {{}}}}\n"
        "            - name: state\n"
        "              persistentVolumeClaim: {{claimName: db-backup-{}-state}}\n"
        "            - name: files\n"
        "              secret: {{secretName: db-backup-files, defaultMode: 0440}}\n",
        label);
    std::set<std::string> claims;
    for (const std::filesystem::path& folder : job.folders) {
        claims.insert(claim_of(folder));
    }
    for (const std::string& claim : claims) {
        text += fmt::format(
            "            - name: {0}\n              persistentVolumeClaim: {{claimName: {0}}}\n",
            claim);
    }
    return text;
}

std::string words_of(const ExportedJob& job) {
    std::vector<std::string> words;
    std::transform(job.options.begin(), job.options.end(), std::back_inserter(words), quoted);
    for (const char* const word : {"schedule", "run"}) {
        words.push_back(quoted(word));
    }
    words.push_back(quoted(job.name));
    words.push_back(quoted("--retry"));
    return fmt::format("[{}]", fmt::join(words, ", "));
}

std::string remarks_of(const ExportedJob& job) {
    std::string text = job.times.remark.empty() ? "" : "# " + job.times.remark + '\n';
    if (job.jitter.count() > 0) {
        text += "# Left out, since Kubernetes has none: jitter.\n";
    }
    return text;
}

/// The claim and the CronJob. A pod has the rights that a backup needs: its files, the network.
std::string job_text(const ExportedJob& job, const ExportPlace& place, const std::string& label) {
    const std::string zone =
        job.times.zone.empty() ? "" : fmt::format("  timeZone: {}\n", quoted(job.times.zone));
    const std::string deadline =
        job.catch_up == CatchUp::skip ? "  startingDeadlineSeconds: 300\n" : "";
    return fmt::format(
        R"(---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: db-backup-{label}-state
  labels: {{app.kubernetes.io/name: db-backup}}
spec:
  accessModes: [ReadWriteOnce]
  resources: {{requests: {{storage: 1Gi}}}}
---
{remarks}apiVersion: batch/v1
kind: CronJob
metadata:
  name: db-backup-{label}
  labels: {{app.kubernetes.io/name: db-backup}}
spec:
  schedule: {times}
{zone}{deadline}  concurrencyPolicy: Forbid
  successfulJobsHistoryLimit: 3
  failedJobsHistoryLimit: 3
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
        metadata:
          labels: {{app.kubernetes.io/name: db-backup}}
        spec:
          restartPolicy: Never
          automountServiceAccountToken: false
          terminationGracePeriodSeconds: 120
          securityContext:
            runAsNonRoot: true
            runAsUser: 999
            runAsGroup: 999
            fsGroup: 999
            seccompProfile: {{type: RuntimeDefault}}
          containers:
            - name: db-backup
              image: {image}
              command: [db-backup]
              args: {words}
{environment}              envFrom:
                - secretRef: {{name: db-backup-environment, optional: true}}
              resources:
                requests: {{cpu: 100m, memory: 128Mi}}
                limits: {{memory: 512Mi}}
              securityContext:
                allowPrivilegeEscalation: false
                readOnlyRootFilesystem: true
                capabilities: {{drop: [ALL]}}
              volumeMounts:
{mounts}          volumes:
{volumes})",
        fmt::arg("label", label), fmt::arg("remarks", remarks_of(job)),
        fmt::arg("times", quoted(crontab_times(job.times.cron))), fmt::arg("zone", zone),
        fmt::arg("deadline", deadline), fmt::arg("image", quoted(place.image)),
        fmt::arg("words", words_of(job)), fmt::arg("environment", environment_of(job)),
        fmt::arg("mounts", mounts_of(job)), fmt::arg("volumes", volumes_of(job, label)));
}

}  // namespace

ExportedFile kubernetes(const std::vector<ExportedJob>& jobs, const ExportPlace& place) {
    std::string text = head_of(jobs);
    std::map<std::string, std::string> names;
    for (const ExportedJob& job : jobs) {
        const std::string label = label_of(job.name);
        const auto [found, is_new] = names.emplace(label, job.name);
        if (!is_new) {
            throw explained<ConfigError>(
                fmt::format("the jobs {} and {} would have one name in Kubernetes, {}",
                            found->second, job.name, label),
                "Rename one of them.", "not_exportable");
        }
        text += job_text(job, place, label);
    }
    return {"db-backup.yaml", text};
}

}  // namespace dbbackup
