"""The stock: `candidates` finds numbers that a bulk order may take."""
