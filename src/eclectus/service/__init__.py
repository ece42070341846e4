"""Use cases: files and live streams of many clients on the models of one process."""
