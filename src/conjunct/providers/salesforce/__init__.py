"""Salesforce: its definition, and beside it what data cannot say."""
