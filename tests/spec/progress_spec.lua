local progress = require "mooncrew.progress"

-- A stream and a clock of our own: what is drawn depends on nothing else.
local function fixture(options)
  local drawn, time = {}, 100
  local stream = {
    write = function(_, ...) drawn[#drawn + 1] = table.concat{ ... } end,
    flush = function() end,
  }
  options.stream = stream
  options.clock = function() return time end
  return drawn, function(seconds) time = time + seconds end, options
end

describe("progress", function()
  it("draws a bar with count, share, rate and time left on a terminal", function()
    local drawn, wait, options = fixture{ label = "copy", terminal = true }
    local bar = progress(200, options)
    wait(10)
    bar:step(50)
    assert.same({ "\rcopy  [#####---------------]  50/200  25%  5.0/s  0:30 left\27[K" }, drawn)
  end)

  it("draws no more often than the interval says", function()
    local drawn, wait, options = fixture{ terminal = true, interval = 1 }
    local bar = progress(100, options)
    for _ = 1, 20 do
      wait(0.25)
      bar:step()
    end
    assert.equal(5, #drawn)
    assert.equal(20, bar.count)
  end)

  it("writes a line now and then when it is no terminal", function()
    local drawn, wait, options = fixture{ label = "copy", terminal = false }
    local bar = progress(100, options)
    for _ = 1, 12 do
      wait(1)
      bar:step()
    end
    assert.same({ "copy  10/100  10%  1.0/s  1:30 left\n" }, drawn)
  end)

  it("shows only count, rate and time when the total is unknown", function()
    local drawn, wait, options = fixture{ terminal = false }
    local bar = progress(nil, options)
    wait(20)
    bar:step(1000)
    assert.same({ "1000  50/s  0:20\n" }, drawn)
  end)

  it("takes a total that becomes known later", function()
    local drawn, wait, options = fixture{ terminal = false }
    local bar = progress(nil, options)
    bar.total = 40
    wait(10)
    bar:step(10)
    assert.same({ "10/40  25%  1.0/s  0:30 left\n" }, drawn)
  end)

  it("shows sizes when the unit is bytes", function()
    local drawn, wait, options = fixture{ terminal = false, unit = "bytes" }
    local bar = progress(4 * 2 ^ 20, options)
    wait(10)
    bar:step(2 ^ 20)
    assert.same({ "1.0 MiB/4.0 MiB  25%  102.4 KiB/s  0:30 left\n" }, drawn)
  end)

  it("ends the line at the end of its block, once", function()
    local drawn, wait, options = fixture{ terminal = true }
    local bar
    do
      local inner <close> = progress(2, options)
      bar = inner
      wait(0.05)
      inner:step(2)
    end
    bar:close()
    assert.equal(1, #drawn)
    assert.equal("\r[####################]  2/2  100%  40/s  0:00\27[K\n", drawn[1])
  end)

  it("is whole when there is nothing to do", function()
    local drawn, _, options = fixture{ terminal = false }
    progress(0, options):close()
    assert.same({ "0/0  100%  0:00\n" }, drawn)
  end)

  it("shows a note at the end", function()
    local drawn, wait, options = fixture{ label = "copy", terminal = false, unit = "bytes" }
    local bar = progress(4 * 2 ^ 20, options)
    bar.note = "3/12 files"
    wait(10)
    bar:step(2 ^ 20)
    assert.same({ "copy  1.0 MiB/4.0 MiB  25%  102.4 KiB/s  0:30 left  3/12 files\n" }, drawn)
  end)

  it("stays one line on a terminal of any width", function()
    local shown = {}
    for width = 1, 90 do
      local drawn, wait, options = fixture{ label = "copié", terminal = true, width = width }
      local bar = progress(200, options)
      bar.note = "of many"
      wait(10)
      bar:step(50)
      local text = drawn[1]:match("^\r(.*)\27%[K$")
      assert.is_true(utf8.len(text) < width, width .. ": " .. text)
      shown[text] = true
    end
    for _, text in ipairs{
      "copié  [#####---------------]  50/200  25%  5.0/s  0:30 left  of many",
      "copié  50/200  25%  5.0/s  0:30 left  of many", "copié  50/200  25%  5.0/s  0:30 left",
      "copié  50/200  25%  0:30 left", "50/200  25%  0:30 left", "25%  0:30 left", "25%", "--", "",
    } do
      assert.is_true(shown[text], text)
    end
    -- A figure is there or not, never a part of one.
    for text in pairs(shown) do
      for _, part in ipairs{ "2", "25", "25%  0", "25%  0:", "25%  0:30 l" } do
        assert.are_not.equal(part, (text:gsub("%s+$", "")))
      end
    end
  end)

  it("never shows more than the whole", function()
    local drawn, wait, options = fixture{ terminal = true }
    local bar = progress(2, options)
    wait(1)
    bar:step(5)
    assert.equal("\r[####################]  5/2  100%  5.0/s  0:01\27[K", drawn[1])
  end)

  it("formats long times and sizes", function()
    assert.equal("1:01:01", progress.format_time(3661))
    assert.equal("0:59", progress.format_time(59.4))
    assert.equal("1:00", progress.format_time(59.6))
    assert.equal("0:00", progress.format_time(-5))
    for _, none in ipairs{ math.huge, 1e300, 0 / 0 } do
      assert.equal("?", progress.format_time(none))
    end
    assert.equal("1023 B", progress.format_size(1023))
    assert.equal("1.0 KiB", progress.format_size(1024))
    assert.equal("2048.0 PiB", progress.format_size(2 ^ 61))
  end)

  it("draws any total and any count", function()
    for _, total in ipairs{ 0, 0.5, 1e300, math.huge, math.maxinteger, 2 ^ 53 } do
      for _, n in ipairs{ 0, 1, 0.1, 1e308, math.huge, math.maxinteger } do
        for _, unit in ipairs{ "bytes", false } do
          local drawn, wait, options = fixture{ terminal = true, width = 100, unit = unit or nil }
          local bar = progress(total, options)
          for _ = 1, 3 do
            wait(1)
            bar:step(n)
          end
          bar:close()
          assert.equal(4, #drawn)
          for _, text in ipairs(drawn) do
            assert.is_nil(text:find("%-%d"), text)
            local share = tonumber(text:match("(%d+)%%"))
            assert.is_true(share >= 0 and share <= 100, text)
            assert.equal(20, #text:match("%[([#-]+)%]"))
          end
        end
      end
    end
  end)

  it("takes a width that is no whole number", function()
    for width = 0, 60, 0.25 do
      local drawn, _, options = fixture{ terminal = true, width = width }
      progress(3, options):close()
      assert.is_true(#drawn[1]:match("^\r(.*)\27%[K\n$") < math.max(width, 1), drawn[1])
    end
  end)

  it("has no room for an empty label", function()
    local drawn, _, options = fixture{ label = "", terminal = false }
    progress(0, options):close()
    assert.same({ "0/0  100%  0:00\n" }, drawn)
  end)

  it("names what was set to nonsense", function()
    for name, value in pairs{ total = "ten", count = -1 } do
      local _, wait, options = fixture{ terminal = false }
      local bar = progress(2, options)
      bar[name] = value
      wait(100)
      local ok, err = pcall(bar.close, bar)
      assert.is_false(ok)
      assert.matches("^progress: bar." .. name .. ": expected a number of at least 0, got ", err)
    end
  end)

  it("refuses wrong arguments by name", function()
    local cases = {
      { "progress: total: expected a number of at least 0, got -1", progress, -1 },
      { "progress: total: expected a number of at least 0, got nan", progress, math.abs(0 / 0) },
      { 'progress: total: expected a number of at least 0, got "ten"', progress, "ten" },
      { "progress: options: expected a table, got 5", progress, 1, 5 },
      { "progress: option label: expected a string, got 5", progress, 1, { label = 5 } },
      { 'progress: option unit: expected "bytes" or nil, got "miles"', progress, 1,
        { unit = "miles" } },
      { "progress: unknown option 'lable'", progress, 1, { lable = "x" } },
      { "progress: option stream: expected an open file, got 5", progress, 1, { stream = 5 } },
      { "progress: option width: expected a number of at least 0, got -1", progress, 1,
        { width = -1 } },
      { 'progress: option interval: expected a number of at least 0, got "1"', progress, 1,
        { interval = "1" } },
      { "progress: option clock: expected a function that returns seconds, got nil", progress, 1,
        { clock = function() end } },
      { "close: self: expected a progress bar (is it bar:close()?), got nil", progress(1).close },
      { "step: n: expected a number of at least 0, got -2", progress(1).step, progress(1), -2 },
      { "step: self: expected a progress bar (is it bar:step()?), got 3", progress(1).step, 3 },
    }
    for _, case in ipairs(cases) do
      local ok, err = pcall(table.unpack(case, 2))
      assert.is_false(ok)
      assert.equal(case[1], (err:gsub("^[^ ]+:%d+: ", "")))
    end
  end)

  it("says where the wrong call was", function()
    local ok, err = pcall(function() progress(-1):close() end)
    assert.is_false(ok)
    assert.truthy(err:match("progress_spec.lua:%d+: progress: total"))
    for _, options in ipairs{ { label = 5 }, { lable = 5 }, { width = -1 }, { stream = 5 } } do
      ok, err = pcall(function() progress(1, options):close() end)
      assert.is_false(ok)
      assert.matches("progress_spec.lua:%d+: progress: ", err)
    end
  end)

  it("refuses steps of a closed bar", function()
    local _, _, options = fixture{ terminal = false }
    local bar = progress(1, options)
    bar:close()
    assert.has_error(function() bar:step() end, "step: the progress bar is closed")
  end)
end)
