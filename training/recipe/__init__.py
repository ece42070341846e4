"""The recipe that makes the small English model: data, training, evaluation, export."""
