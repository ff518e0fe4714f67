#include "cli/doctor_options.hpp"

#include "cli/command_options.hpp"
#include "cli/source_options.hpp"

namespace dbbackup {

void add_doctor_command(CLI::App& root, GlobalArguments& globals, DoctorArguments& arguments) {
    CLI::App& command = add_command(
        root, "doctor", "Say what works, what does not, and what to do about it", globals,
        "db-backup doctor\n"
        "db-backup doctor --source shop\n"
        "db-backup doctor --uri postgresql://backup@db1.example/shop --repository "
        "/mnt/backups/db");
    add_source_options(command, arguments.source);
}

}  // namespace dbbackup
