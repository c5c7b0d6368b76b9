// ApiCheck: do these classes use only what a published list of an Android API level has?
// SPDX-License-Identifier: Apache-2.0
//
// usage: java -cp ANIMAL_SNIFFER ApiCheck.java SIGNATURES FOLDER_OF_CLASSES
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Collections;
import java.util.HashSet;
import java.util.Set;
import org.codehaus.mojo.animal_sniffer.ClassListBuilder;
import org.codehaus.mojo.animal_sniffer.SignatureChecker;
import org.codehaus.mojo.animal_sniffer.logging.PrintWriterLogger;

public final class ApiCheck {
    private ApiCheck() {}

    public static void main(String[] arguments) throws IOException {
        PrintWriterLogger log = new PrintWriterLogger(System.out);
        File classes = new File(arguments[1]);
        ClassListBuilder own = new ClassListBuilder(log);
        own.process(classes);
        Set<String> ignored = new HashSet<>(own.getPackages());
        // D8 rewrites what lambdas and string concatenation are compiled to.
        Collections.addAll(ignored, "java.lang.invoke.*");
        try (InputStream signatures = new FileInputStream(arguments[0])) {
            SignatureChecker checker = new SignatureChecker(signatures, ignored, log);
            checker.setSourcePath(Collections.emptyList());
            checker.process(classes);
            if (checker.isSignatureBroken()) {
                System.exit(1);
            }
        }
        System.out.println("all classes and methods are in " + new File(arguments[0]).getName());
    }
}
