#include "sim/assets.h"

#include <string.h>

struct bytes assets_find(const char *name)
{
    for (size_t i = 0; i < asset_count; i++)
        if (strcmp(assets[i].name, name) == 0)
            return assets[i].content;
    return BYTES_NONE;
}
