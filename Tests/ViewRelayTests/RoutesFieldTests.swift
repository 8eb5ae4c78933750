import Testing

/// The built relay on a routes file, without a controller, between Python's clients and real displays and programs.
@Suite("the relay on a routes file", .serialized)
struct RoutesFieldTests {
    @Test(
        "a routes file says where tokens lead",
        arguments: [
            "every_way_in", "bytes_pass_unread", "display_without_password", "display_by_name", "readonly_watches",
            "changed_file_is_read", "broken_file_keeps_the_old", "broken_file_stops_a_start",
            "narrowed_permission_cuts", "unreachable_display", "many_loops", "tcp_cannot_be_readonly",
        ])
    func routes(_ name: String) async throws { try await RelayField.play(name, of: "routes_field.py", seconds: 60) }

    @Test(
        "half-close passes on",
        arguments: [
            "viewer_ends_first", "program_ends_first", "ends_wait_for_slow_readers", "websocket_ends_at_once",
            "broken_viewer_ends_the_program",
        ])
    func halfClose(_ name: String) async throws { try await RelayField.play(name, of: "routes_field.py", seconds: 60) }
}
