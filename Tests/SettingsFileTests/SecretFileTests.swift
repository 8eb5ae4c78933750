import Glibc
import SettingsFile
import Testing

@Suite("secrets in files")
struct SecretFileTests {
    @Test("a secret is read without its newline")
    func newline() throws {
        let folder = try ScratchFolder()
        for (text, secret) in [("word\n", "word"), ("word", "word"), (" a b \n", " a b "), ("a\r\n", "a")] {
            let path = try folder.write(text, to: "secret", mode: 0o600)
            #expect(try SecretFile.read(path: path).exposed == secret)
        }
    }

    @Test("a file that others can read is refused", arguments: [0o640, 0o604, 0o620, 0o602, 0o644] as [mode_t])
    func mode(mode: mode_t) throws {
        let path = try ScratchFolder().write("word\n", to: "secret", mode: mode)
        #expect(throws: SecretFileError.self) { try SecretFile.read(path: path) }
    }

    @Test("an empty file, a folder and nothing at all are refused")
    func nothing() throws {
        let folder = try ScratchFolder()
        let empty = try folder.write("\n", to: "secret", mode: 0o600)
        for path in [empty, folder.path, folder.path + "/none"] {
            #expect(throws: SecretFileError.self) { try SecretFile.read(path: path) }
        }
    }
}

/// A folder of one test, deleted with it.
final class ScratchFolder {
    let path: String
    private var files: [String] = []

    init() throws {
        var template = Array("/tmp/maxwell-settings-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for file in files { unlink(file) }
        rmdir(path)
    }

    @discardableResult
    func write(_ text: String, to name: String, mode: mode_t = 0o644) throws -> String {
        let file = path + "/" + name
        unlink(file)
        let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        files.append(file)
        try #require(Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count)
        try #require(fchmod(descriptor, mode) == 0)
        return file
    }
}
