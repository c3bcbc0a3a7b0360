"""Everything the pages do, importable and testable without Streamlit."""
