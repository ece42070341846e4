"""The batch worker: files of jobs from a queue, transcripts into an object store."""
