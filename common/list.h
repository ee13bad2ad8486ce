/* list.h: doubly linked list with the links inside the objects. */
#ifndef SWARMBED_LIST_H
#define SWARMBED_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *prev, *next;
};

static inline void list_init(struct list *head)
{
    head->prev = head->next = head;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_append(struct list *head, struct list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

/* Leaves `node` as a list of its own, so removing twice is harmless. */
static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

#define LIST_EACH(pos, head) for (struct list *pos = (head)->next; pos != (head); pos = pos->next)
/* The current position may be removed or freed. */
#define LIST_EACH_SAFE(pos, head)                                                                   \
    for (struct list *pos = (head)->next, *pos##_next = pos->next; pos != (head);                   \
         pos = pos##_next, pos##_next = pos->next)

#endif
