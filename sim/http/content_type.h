/* content_type.h: enum content (common/env.h) as the value of a Content-Type header, and back. */
#ifndef SWARMBED_CONTENT_TYPE_H
#define SWARMBED_CONTENT_TYPE_H

#include "common/env.h"

const char *content_type_text(enum content content); /* NULL: no such header */
/* Empty: CONTENT_NONE; what is neither JSON nor text: CONTENT_BINARY. Parameters (`; charset=...`) are ignored. */
enum content content_type_read(struct bytes value);

#endif
