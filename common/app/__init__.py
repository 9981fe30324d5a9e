"""The app: a page with a tab for each editor, in the browser. Only `library` imports Gradio."""
