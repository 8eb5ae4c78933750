import Testing

/// What keeps the built relay running for years, among real parts: certificates, upgrades, limits.
@Suite("the relay's upkeep among real parts", .serialized)
struct UpkeepFieldTests {
    @Test(
        "what the relay does holds",
        arguments: [
            "reload_keeps_old_views", "changed_files_are_noticed", "foreign_key_is_refused", "upgrade",
            "failed_upgrade_changes_nothing", "a_killed_heir_leaves_the_port", "leaving_ends",
            "tickets_serve_the_successor", "limits_of_one_source",
            "descriptors_run_out", "floods_of_openings", "service_manager_hears", "what_a_viewer_needed_goes_back",
        ])
    func scenario(_ name: String) async throws {
        try await RelayField.play(name, of: "upkeep_field.py", seconds: 60)
    }
}
