// Writes a text on with a model file: java -jar write.jar MODEL.gguf "Once upon a time"
// SPDX-License-Identifier: Apache-2.0
import dev.gyre.GenerateOptions;
import dev.gyre.GyreException;
import dev.gyre.Model;
import dev.gyre.Session;
import java.io.File;

public final class Write {
    public static void main(String[] arguments) {
        GenerateOptions options = GenerateOptions.builder().maxTokens(100).build();
        System.out.print(arguments[1]);
        try (Model model = Model.open(new File(arguments[0]));
                Session session = model.createSession()) {
            session.generate(arguments[1], options, token -> {
                System.out.print(token.getText());
                System.out.flush();
                return true; // false stops
            });
            System.out.println();
        } catch (GyreException error) {
            System.err.println(error.getStatus() + ": " + error.getMessage());
            System.exit(1);
        }
    }
}
