/* Prints what bd_train_profile found. */
#ifndef BD_CLI_PROFILE_H
#define BD_CLI_PROFILE_H

#include "model/train/loop/profile.h"

void bd_cli_print_profile(const struct bd_train_profile *profile);
void bd_cli_print_profile_json(const struct bd_train_profile *profile);

#endif
