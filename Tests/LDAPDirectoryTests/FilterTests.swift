import Testing

@testable import LDAPDirectory

@Suite("filters")
struct FilterTests {
    @Test("everything that means something in a filter is escaped (RFC 4515)")
    func escaped() {
        #expect(
            Filter.person(named: "a*)(\\\0é")
                == "(&(|(objectClass=posixAccount)(objectClass=inetOrgPerson))(uid=a\\2a\\29\\28\\5c\\00\\c3\\a9))")
        #expect(
            Filter.groups(ofName: "a", dn: "uid=a\\2Cb,dc=c", gid: 7)
                == "(|(&(objectClass=posixGroup)(|(memberUid=a)(gidNumber=7)))"
                + "(&(objectClass=groupOfNames)(member=uid=a\\5c2Cb,dc=c)))")
    }
}
