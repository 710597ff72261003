/* profile.h: what a profile of the configuration makes of a certificate. */
#ifndef SIGNET_CA_PROFILE_H
#define SIGNET_CA_PROFILE_H

#include "config/config.h"
#include "x509/certificate.h"

/* out's texts are borrowed from the profile. */
void profile_form(const struct profile_config *, struct leaf_form *out);

#endif
