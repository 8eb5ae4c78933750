/// One step of the schema, from `sql/NNN-name.sql`. The texts are compiled in: a program needs no files beside it.
struct Migration: Sendable {
    /// `001-portal-tables`.
    let name: String
    let text: String

    /// All steps, in the order they are applied.
    static let all = [
        Migration("001-portal-tables", PackageResources._01_portal_tables_sql),
        Migration("002-older-portals", PackageResources._02_older_portals_sql),
        Migration("003-own-tables", PackageResources._03_own_tables_sql),
        Migration("004-known-values", PackageResources._04_known_values_sql),
        Migration("005-ready-displays", PackageResources._05_ready_displays_sql),
        Migration("006-life", PackageResources._06_life_sql),
        Migration("007-native-viewers", PackageResources._07_native_viewers_sql),
        Migration("008-shadow-accounts", PackageResources._08_shadow_accounts_sql),
        Migration("009-stress", PackageResources._09_stress_sql),
    ]

    init(_ name: String, _ bytes: [UInt8]) {
        self.init(name: name, text: String(decoding: bytes, as: UTF8.self))
    }

    init(name: String, text: String) {
        self.name = name
        self.text = text
    }
}
