/* poison.h: memory that we hold but nobody may touch, told to the address sanitizer; nothing without it. */
#ifndef SWARMBED_POISON_H
#define SWARMBED_POISON_H

#if defined(__SANITIZE_ADDRESS__)
#define SWARMBED_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SWARMBED_ASAN 1
#endif
#endif

#ifdef SWARMBED_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(memory, size)   __asan_poison_memory_region((memory), (size))
#define UNPOISON(memory, size) __asan_unpoison_memory_region((memory), (size))
#else
#define POISON(memory, size)   ((void)(memory), (void)(size))
#define UNPOISON(memory, size) ((void)(memory), (void)(size))
#endif

#endif
