import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;

/** Commands as lines of JSON, and what came of each (../client-process.ts). */
final class Commands {
  private static final Gson JSON = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();

  /** One of the clients. */
  interface Caller<Client> {
    Client open(String url) throws Exception;

    JsonElement call(Client client, String operation, JsonObject parameters) throws Throwable;

    JsonObject failure(Throwable thrown) throws Exception;
  }

  private Commands() {}

  /** Serves standard input to its end. The client is opened by the first command, which tells of it if it cannot be. */
  static <Client> void serve(String url, Caller<Client> caller) throws Exception {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    Client client = null;
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      JsonObject command = JsonParser.parseString(line).getAsJsonObject();
      JsonObject outcome = new JsonObject();
      try {
        if (client == null) client = caller.open(url);
        outcome.add("result", caller.call(client, command.get("operation").getAsString(), command.getAsJsonObject("parameters")));
      } catch (Throwable thrown) {
        outcome.add("error", caller.failure(thrown));
      }
      out.println(JSON.toJson(outcome));
    }
    System.exit(0); // its threads go on
  }

  /** Calls {@code putItem} for PutItem and so on. */
  static Object invoke(Class<?> api, Object client, String operation, Object request) throws Throwable {
    String name = Character.toLowerCase(operation.charAt(0)) + operation.substring(1);
    Method method = api.getMethod(name, request.getClass());
    try {
      return method.invoke(client, request);
    } catch (InvocationTargetException thrown) {
      throw thrown.getCause();
    }
  }
}
