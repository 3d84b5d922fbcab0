// The same library from C++17: handles in smart pointers, a callback that keeps a
// promise.
#include <mooncrew.h>

#include <future>
#include <iostream>
#include <memory>
#include <poll.h>
#include <stdexcept>
#include <string>

struct Closer {
  void operator()(mooncrew *runtime) const {
    mooncrew_close(runtime, 0);
  }
  void operator()(mooncrew_values *values) const {
    mooncrew_values_free(values);
  }
};
using Runtime = std::unique_ptr<mooncrew, Closer>;
using Values = std::unique_ptr<mooncrew_values, Closer>;

static Runtime open() {
  mooncrew *runtime = nullptr;
  mooncrew_error *error = nullptr;
  if (mooncrew_open(nullptr, &runtime, &error)) {
    std::string message = mooncrew_error_message(error);
    mooncrew_error_free(error);
    throw std::runtime_error(message);
  }
  return Runtime(runtime);
}

static void keep_promise(void *data, mooncrew_task, const mooncrew_values *results,
                         const mooncrew_error *error) {
  std::unique_ptr<std::promise<std::string>> promise(
      static_cast<std::promise<std::string> *>(data));
  if (error) {
    promise->set_exception(
        std::make_exception_ptr(std::runtime_error(mooncrew_error_message(error))));
    return;
  }
  const char *text = "";
  size_t length = 0;
  mooncrew_value_string(mooncrew_values_at(results, 0), &text, &length);
  promise->set_value(std::string(text, length));
}

static std::future<std::string> run(mooncrew *runtime, const std::string &source) {
  auto promise = std::make_unique<std::promise<std::string>>();
  auto future = promise->get_future();
  mooncrew_task_options options;
  mooncrew_task_options_init(&options);
  options.done = keep_promise;
  options.data = promise.get();
  int code = mooncrew_submit_source(runtime, source.data(), source.size(), "=source",
                                    nullptr, &options, nullptr, nullptr);
  if (code)
    throw std::runtime_error(mooncrew_strerror(code));
  promise.release(); // the callback's now
  return future;
}

int main() {
  Runtime runtime = open();
  auto good = run(runtime.get(), "return _VERSION");
  auto bad = run(runtime.get(), "error('no luck', 0)");
  for (int left = 2; left > 0;) {
    pollfd poll_for = {mooncrew_poll_fd(runtime.get()), POLLIN, 0};
    poll(&poll_for, 1, -1);
    int ran = mooncrew_dispatch(runtime.get(), 0);
    if (ran < 0)
      return 1;
    left -= ran;
  }
  std::cout << good.get() << "\n";
  try {
    bad.get();
  } catch (const std::exception &error) {
    std::cout << error.what() << "\n";
  }
}
