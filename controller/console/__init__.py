"""The bedside console: a web page and the process that serves it. No device access; it speaks only to the api."""
