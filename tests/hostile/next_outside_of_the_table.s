# A chain that continues after the end of the descriptor table.
.include "guest.inc"

image "next_outside_of_the_table"
    message 0, empty_frame, NEXT, QUEUE_SIZE
    message QUEUE_SIZE, empty_frame
    transmit 0
    exit
