#pragma once
// epoll(7) with its union said plainly: every registration carries one number. No decisions here.
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

/// epoll_ctl(2) with `data` as the registration's number.
static inline int clinux_epoll_control(int poll, int operation, int descriptor, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data = {.u64 = data}};
    return epoll_ctl(poll, operation, descriptor, &event);
}

/// The events of one answer of epoll_wait(2).
static inline uint32_t clinux_epoll_events(const struct epoll_event *answers, int index) {
    return answers[index].events;
}

/// The number the registration was given.
static inline uint64_t clinux_epoll_data(const struct epoll_event *answers, int index) {
    return answers[index].data.u64;
}

static const uint32_t clinux_epoll_in = EPOLLIN;
static const uint32_t clinux_epoll_out = EPOLLOUT;
static const uint32_t clinux_epoll_gone = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
/// What a connection's socket is registered with, once and for all.
static const uint32_t clinux_epoll_both_edges = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
/// What a listening socket that several loops share is registered with.
static const uint32_t clinux_epoll_shared_listener = EPOLLIN | EPOLLEXCLUSIVE;

/// An eventfd(2) that wakes whoever polls it.
static inline int clinux_waker(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }
static inline int clinux_wake(int waker) { return eventfd_write(waker, 1); }
static inline int clinux_calm(int waker) {
    eventfd_t count;
    return eventfd_read(waker, &count);
}
