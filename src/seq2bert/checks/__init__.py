"""What a right answer is, chapter by chapter, and which wrong ones we know.

from seq2bert.checks import seq2seq as check
check.beam_step(my_function)     # one line if it is right, CheckFailed if not
"""
