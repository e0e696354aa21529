/* The version of Bitdial, here alone: the command, the library and the pkg-config file say it. */
#ifndef BD_CORE_VERSION_H
#define BD_CORE_VERSION_H

#define BD_VERSION "0.1.0"

#endif
