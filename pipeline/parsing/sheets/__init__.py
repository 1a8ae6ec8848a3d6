"""Parses workbooks and tables: XLSX, XLS, XLSB, ODS, CSV, TSV."""
