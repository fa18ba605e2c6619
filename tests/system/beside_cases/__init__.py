"""One module per topic: CASES, and REFUSED with texts that both programs refuse."""
