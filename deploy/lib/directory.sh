# A slapd of our own: ldaps and StartTLS only, two people, their groups, and a reader for the controller.

DIRECTORY_BASE=dc=quickstart,dc=test

directory_alive() {
    LDAPTLS_CACERT=$DATA/tls/authority.pem ldapsearch -x -LLL -o nettimeout=2 -H "ldaps://127.0.0.1:$(recall ldaps_port)" \
        -D "cn=maxwell,$DIRECTORY_BASE" -y "$DATA/secrets/ldap" -b "ou=people,$DIRECTORY_BASE" '(uid=alice)' uid |
        grep -q '^uid: alice$'
}

directory_ensure() {
    process_alive slapd && return
    tell "Starting slapd"
    random_password | tr -d '\n' | secret_file "$DATA/secrets/ldap" maxwell
    random_password | tr -d '\n' | secret_file "$DATA/secrets/alice" root
    random_password | tr -d '\n' | secret_file "$DATA/secrets/bob" root
    people_homes
    record ldaps_port "$(free_port 13636)"
    install -d -m 0755 "$DATA/slapd"
    rm -rf -- "$DATA/slapd/db"
    install -d -m 0700 "$DATA/slapd/db"
    directory_configuration >"$DATA/slapd/slapd.conf"
    directory_entries | (umask 077 && cat >"$DATA/slapd/entries.ldif")
    slapadd -f "$DATA/slapd/slapd.conf" -l "$DATA/slapd/entries.ldif" >"$LOG/slapd.log" 2>&1 ||
        fail "The directory could not be filled." "$LOG/slapd.log"
    chown -R openldap:openldap "$DATA/slapd"
    # -d keeps it in the foreground, so that its process is the one we know.
    spawn slapd "$LOG/slapd.log" /usr/sbin/slapd -d none -f "$DATA/slapd/slapd.conf" -u openldap -g openldap \
        -h "ldaps://127.0.0.1:$(recall ldaps_port)/ ldapi://${RUN//\//%2F}%2Fldapi"
    wait_until 30 slapd "$LOG/slapd.log" directory_alive
}

directory_configuration() {
    cat <<CONF
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
pidfile $DATA/slapd/slapd.pid
TLSCACertificateFile $DATA/tls/authority.pem
TLSCertificateFile $DATA/tls/ldap.pem
TLSCertificateKeyFile $DATA/tls/ldap.key
localSSF 256
security simple_bind=128
database mdb
suffix "$DIRECTORY_BASE"
rootdn "cn=admin,$DIRECTORY_BASE"
directory $DATA/slapd/db
maxsize 67108864
index objectClass,uid,uidNumber,gidNumber,memberUid,member eq
overlay ppolicy
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=maxwell,$DIRECTORY_BASE" read by dn.exact="gidNumber=0+uidNumber=0,cn=peercred,cn=external,cn=auth" manage by self read by * none
CONF
}

directory_entries() {
    cat <<LDIF
dn: $DIRECTORY_BASE
objectClass: dcObject
objectClass: organization
o: Quick start
dc: quickstart

dn: ou=people,$DIRECTORY_BASE
objectClass: organizationalUnit
ou: people

dn: ou=groups,$DIRECTORY_BASE
objectClass: organizationalUnit
ou: groups

dn: cn=maxwell,$DIRECTORY_BASE
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: maxwell
userPassword: $(slappasswd -T "$DATA/secrets/ldap")

dn: cn=chemistry,ou=groups,$DIRECTORY_BASE
objectClass: posixGroup
cn: chemistry
gidNumber: 10100
memberUid: alice
memberUid: bob

dn: cn=course,ou=groups,$DIRECTORY_BASE
objectClass: groupOfNames
cn: course
member: uid=alice,ou=people,$DIRECTORY_BASE
LDIF
    directory_person alice 10001 "Alice Example"
    directory_person bob 10002 "Bob Example"
}

# A person $1 with uid $2 and name $3, and the group of the same name.
directory_person() {
    cat <<LDIF

dn: uid=$1,ou=people,$DIRECTORY_BASE
objectClass: inetOrgPerson
objectClass: posixAccount
objectClass: shadowAccount
uid: $1
cn: $3
sn: ${3##* }
mail: $1@quickstart.test
uidNumber: $2
gidNumber: $2
homeDirectory: $(homes_as_hosts_see_them)/$1
loginShell: /bin/bash
userPassword: $(slappasswd -T "$DATA/secrets/$1")

dn: cn=$1,ou=groups,$DIRECTORY_BASE
objectClass: posixGroup
cn: $1
gidNumber: $2
LDIF
}

# Where /home of the execution hosts is the shared folder; plain hosts have nothing of their own.
homes_as_hosts_see_them() { if hosts_plain; then echo "$DATA/homes"; else echo /home; fi; }

people_homes() {
    install -d -m 0700 -o 10001 -g 10001 "$DATA/homes/alice"
    install -d -m 0700 -o 10002 -g 10002 "$DATA/homes/bob"
}
