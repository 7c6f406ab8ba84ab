# The descriptor table begins just before the last address there is.
.include "guest.inc"

image "descriptor_table_wraps"
    call negotiate
    queue receive
    ready
    queue transmit
    place QUEUE_DESC, 0xfffffff0, 0xffffffff
    ready
    driver_ok
    message 0, empty_frame
    offer 0
    notify
    message 1, exit_frame
    offer 1
    notify
    jmp rest
