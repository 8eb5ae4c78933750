import Testing

/// The built relay with a real Xvnc, native viewers and viewers of two TLS layers.
@Suite("native viewers and second layers among real parts", .serialized)
struct NativeFieldTests {
    @Test(
        "a viewer with nothing but itself is served",
        arguments: [
            "silence_is_greeted", "who_speaks_is_not_greeted", "a_door_that_greets", "right_password",
            "right_password_in_3_7", "ticket_as_password", "wrong_password", "old_viewer", "wrong_choices",
            "oversized_name", "early_bytes", "display_out_of_reach", "leaves_while_asked", "a_full_gateway",
            "token_in_a_routes_file",
        ])
    func native(_ name: String) async throws { try await play(name) }

    @Test(
        "a second TLS layer may follow the first",
        arguments: [
            "two_layers", "two_layers_unasked", "two_layers_raw", "one_layer", "leaves_between_layers",
        ])
    func layers(_ name: String) async throws { try await play(name) }

    @Test(
        "TigerVNC's viewer shows the session",
        arguments: [
            "tigervnc", "tigervnc_at_once", "tigervnc_wrong_password", "tigervnc_through_ssh",
            "tigervnc_through_proxy",
        ])
    func tigerVNC(_ name: String) async throws { try await play(name) }

    private func play(_ name: String) async throws {
        try await RelayField.play(name, of: "native_field.py", seconds: 60)
    }
}
