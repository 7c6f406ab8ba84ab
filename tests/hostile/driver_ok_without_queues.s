# The device becomes live without queues, and is notified of both.
.include "guest.inc"

image "driver_ok_without_queues"
    call negotiate
    driver_ok
    movl receive_index, %eax
    movl %eax, QUEUE_NOTIFY
    notify
    call connect
    exit
