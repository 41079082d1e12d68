#include "admin/assets.h"

/* The table of a build without the dashboard. */
const struct asset assets[] = {{.path = ""}};
const size_t n_assets = 0;
