---@meta mooncrew.html
-- luacheck: ignore 212 241

---@class mooncrew.html
local html = {}

---@class mooncrew.html.ParseOptions
---@field base? string the page's address, which relative ones count from
---@field encoding? string what the HTTP header said (answer.encoding); counts more than the page's
---  own <meta>, less than a byte order mark

---@class mooncrew.html.Document
---@field base? string what relative addresses count from, a <base href> taken into account
local document = {}

---@class mooncrew.html.Node an element or a comment; its document lives as long as it does
---@field name string "p"
local node = {}

---Parses a page, however broken. All strings that come of it are UTF-8. As in browsers, an element
---that would be deeper than 512 is put beside the one that is open there.
---@param text string
---@param options? mooncrew.html.ParseOptions
---@return mooncrew.html.Document
function html.parse(text, options) end

---The address that `href` means on a page whose address is `base`.
---@param base string
---@param href string blanks around it are dropped; what may not stand in a URL is encoded
---@return string? url nil when nothing can be made of it
function html.resolve(base, href) end

---Evaluates an XPath 1.0 expression. A wrong one raises, as does one that takes some 50 million
---steps on this document.
---@param expression string
---@return (string|mooncrew.html.Node)[]|number|boolean|string found a list (attributes and texts as
---  strings, the rest as nodes), or what the expression is: count(//p) is a number
function document:xpath(expression) end

---@param href string
---@return string? url absolute when the document has a base
function document:url(href) end

---@return string text all of it
function document:text() end

---@return string markup
function document:html() end

---Evaluates from this node: ".//a" looks inside it, "//a" in the whole document.
---@param expression string
---@return (string|mooncrew.html.Node)[]|number|boolean|string found
function node:xpath(expression) end

---@return string text all that is in it
function node:text() end

---@param name string
---@return string? value nil when it has no such attribute
function node:attr(name) end

---@return string markup
function node:html() end

return html
