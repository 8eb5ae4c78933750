#pragma once
#include <ldap.h>
#include <sys/time.h>

/* What LDAP_OPT_OFF is: a macro with a cast that Swift does not import. */
static inline const void *maxwell_ldap_off(void) { return LDAP_OPT_OFF; }

/* Macros of several terms. */
static const int maxwell_ldap_tls1_2 = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
