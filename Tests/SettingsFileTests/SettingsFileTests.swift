import SettingsFile
import Testing

@Suite("maxwell.yaml")
struct SettingsFileTests {
    @Test("an empty file means the defaults")
    func emptyFile() throws {
        #expect(try Settings.parse("") == .standard)
    }
}
